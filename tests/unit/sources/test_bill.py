"""Bills of six platforms: published samples, every trap of their forms, and rows read again."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voidtrail.errors import SignatureInvalid
from voidtrail.event.account import Account
from voidtrail.event.bill import BillRow, Item, Standing
from voidtrail.event.model import Delivery, Event, Kind, Result, Role, Unreadable, Via
from voidtrail.sources import bill
from voidtrail.sources.bill import FILE, FORM, FORMS, LINE, OF
from voidtrail.sources.bill_reading import Bad, Encoding, End, Head, Hints, Said, Total, lines_of
from voidtrail.sources.registry import SOURCES
from voidtrail.testing.bills import FORMS as WRITTEN
from voidtrail.testing.bills import planted, write

ACCOUNT = Account(source="bill", name="alipay-main")


def pieces(form, data, hints=None):
    encoding = Encoding()
    encoding.feed(data)
    text = lines_of([data], encoding.name())
    return [*FORMS[form].read(text, hints or Hints())]


def rows(form, data):
    return [each.row for each in pieces(form, data) if isinstance(each, Said)]


def of(found, kind):
    return [each for each in found if isinstance(each, kind)]


# ------------------------------------------------------------------------------- published bills


@pytest.mark.parametrize("encoding", ["gbk", "utf8"])
def test_alipays_published_bill_is_read_and_its_totals_are_checked(shared, encoding):
    file = shared / "psp" / "alipay" / f"bill_trade_2019-09-16_sample_{encoding}_excerpt.csv"
    found = pieces("alipay", file.read_bytes())
    assert of(found, Head) == [Head("20880211096256330156", 1568563200000000, 1568649600000000)]
    said = of(found, Said)
    assert [(each.row.item, each.row.amount_minor) for each in said] == [
        (Item.PAYMENT, 1), (Item.REFUND, 1), (Item.PAYMENT, 1), (Item.REFUND, 1),
    ]  # fmt: skip
    assert said[0].row.reference == "2019091622001458860515315453"
    assert said[1].row.operation == "re_test_1568602607356"
    assert said[0].row.at == 1568602523000000
    assert said[0].fields["订单金额(元)"] == "0.01"
    # It is an excerpt: six payments are stated, two are there.
    assert [each.what for each in of(found, Total) if not each.holds] == [
        "交易合计 笔", "交易合计 商家实收", "退款合计 笔", "退款合计 商家实收",
    ]  # fmt: skip
    assert of(found, End) == [End(closed=True)]


def test_wechat_pays_published_bill_is_read_and_its_totals_hold(shared):
    file = shared / "psp" / "wechatpay" / "bill_trade_ALL_2021-01-28_sample.csv"
    found = pieces("wechatpay", file.read_bytes())
    assert [each.row.amount_minor for each in of(found, Said)] == [1, 1, 1]
    assert of(found, Said)[0].row.order == "S20210128170702357723"
    assert of(found, Said)[0].row.merchant == "1601959334"
    assert all(each.holds for each in of(found, Total))
    assert len(of(found, Total)) == 6
    assert of(found, End) == [End(closed=True)]


# ------------------------------------------------------------------------------- every form


def test_a_source_says_that_it_has_bills_if_they_can_be_read():
    for form in FORMS:
        assert SOURCES[form].CAPABILITIES.bill_file, form


@pytest.mark.parametrize("form", [each for each in WRITTEN if each != "table"])
@pytest.mark.parametrize("seed", range(3))
def test_what_a_platform_writes_is_read_without_a_fault(form, seed):
    day = planted(seed, form)
    data = write(day)
    found = pieces(form, data, Hints(day.zone, day.currency))
    assert not of(found, Bad)
    assert all(each.holds for each in of(found, Total))
    assert of(found, End) == [End(closed=True)]
    read = [(each.row.item, abs(each.row.amount_minor), each.row.at) for each in of(found, Said)]
    matched = (Item.PAYMENT, Item.REFUND)
    assert sorted(each for each in read if each[0] in matched) == sorted(
        (each.item, each.amount, each.at) for each in day.entries if each.item in matched
    )
    encoding = Encoding()
    encoding.feed(data)
    start = data.decode(encoding.name()).lstrip("\ufeff")[:2000]
    assert [name for name, each in FORMS.items() if each.recognises(start)] == [form]


@pytest.mark.parametrize("form", ["alipay", "wechatpay", "paypal"])
def test_a_bill_without_its_last_lines_is_not_whole(form):
    data = write(planted(1, form))
    found = pieces(form, data[: len(data) // 2])
    assert of(found, Said)
    assert of(found, End) == [End(closed=False)]


@settings(max_examples=250)
@given(st.sampled_from(sorted(FORMS)), st.binary(max_size=400))
def test_reading_never_raises_on_any_bytes(form, data):
    pieces(form, data)


@settings(max_examples=250)
@given(st.sampled_from([each for each in WRITTEN if each != "table"]), st.data())
def test_reading_never_raises_on_a_bill_with_a_damaged_byte(form, data):
    good = _GOOD[form]
    place = data.draw(st.integers(0, len(good) - 1))
    pieces(form, good[:place] + data.draw(st.binary(max_size=3)) + good[place + 1 :])


_GOOD = {form: write(planted(5, form, ordinary=1)) for form in WRITTEN}


# ------------------------------------------------------------------------------- traps of a form


def test_wechat_pay_splits_only_where_a_comma_and_a_backtick_stand():
    data = write(planted(2, "wechatpay", ordinary=2))
    said = of(pieces("wechatpay", data), Said)
    assert {each.fields["商品名称"] for each in said} == {"梨, 5 斤"}


def test_wechat_pays_refunds_carry_their_state_and_what_was_asked_for():
    head, *_ = write(planted(2, "wechatpay", ordinary=2)).decode().splitlines()
    names = head.lstrip("\ufeff").split(",")
    cells = dict.fromkeys(names, "") | {
        "交易时间": "2026-03-01 10:00:00", "微信订单号": "42", "商户订单号": "P1",
        "货币种类": "CNY",
        "交易状态": "REFUND", "微信退款单号": "50", "退款金额": "0.80", "申请退款金额": "1.00",
        "退款状态": "PROCESSING", "订单金额": "0.00",
    }  # fmt: skip
    row = FORMS["wechatpay"].row_of(cells, 2, Hints())
    assert (row.item, row.amount_minor, row.operation) == (Item.REFUND, 100, "50")
    assert row.standing is Standing.PENDING
    revoked = FORMS["wechatpay"].row_of(
        cells | {"交易状态": "REVOKED", "申请退款金额": "", "退款金额": "0.00", "退款状态": "",
                 "订单金额": "3.00", "微信退款单号": "0"}, 2, Hints())  # fmt: skip
    assert (revoked.item, revoked.amount_minor, revoked.operation) == (Item.REFUND, 300, "")


def test_the_dashboards_export_of_stripe_is_read_like_the_report():
    data = (
        b"id,Type,Source,Amount,Fee,Net,Currency,Created (UTC),Available On (UTC),Description,"
        b"Customer Facing Amount,Customer Facing Currency\n"
        b"txn_1,charge,ch_1,24.00,1.00,23.00,usd,2022-04-23 21:56,2022-04-30 00:00,x,20.00,eur\n"
        b"txn_2,refund,ch_1,-5.00,0.00,-5.00,usd,2022-04-23 22:56,2022-04-30 00:00,x,-4.00,eur\n"
        b"txn_3,payout,po_1,-18.00,0.00,-18.00,usd,2022-04-24 00:00,2022-04-30 00:00,x,,\n"
    )
    charge, refund, payout = rows("stripe", data)
    assert (charge.reference, charge.amount_minor, charge.currency) == ("ch_1", 2000, "EUR")
    assert (charge.settled_minor, charge.settled_currency, charge.fee_minor) == (2400, "USD", 100)
    assert (refund.item, refund.amount_minor) == (Item.REFUND, 400)
    assert payout.item is Item.PAYOUT


def test_adyens_zone_stands_beside_the_instant():
    fields = {
        "Type": "Settled", "Psp Reference": "P", "Creation Date": "2026-07-01 10:00:00",
        "TimeZone": "CEST", "Gross Currency": "JPY", "Gross Credit (GC)": "500",
        "Net Currency": "EUR", "Net Credit (NC)": "3.00", "Commission (NC)": "0.025",
    }  # fmt: skip
    row = FORMS["adyen"].row_of(fields, 2, Hints("UTC"))
    assert (row.amount_minor, row.currency, row.settled_minor) == (500, "JPY", 300)
    assert row.at == 1_782_892_800_000_000
    with pytest.raises(ValueError, match="TimeZone"):
        FORMS["adyen"].row_of(fields | {"TimeZone": "Nowhere"}, 2, Hints())


def test_paypals_amounts_are_minor_units_and_payments_sent_are_not_received():
    fields = {
        "Transaction ID": "T1", "Transaction Event Code": "T0006", "Invoice ID": "O1",
        "Gross Transaction Amount": "1050", "Gross Transaction Currency": "USD",
        "Transaction Debit or Credit": "CR", "Transaction Completion Date":
        "2026/03/01 10:00:00 -0800", "Fee Amount": "31", "Fee Debit or Credit": "DR",
    }  # fmt: skip
    row = FORMS["paypal"].row_of(fields, 5, Hints())
    assert (row.item, row.amount_minor, row.fee_minor, row.order) == (Item.PAYMENT, 1050, 31, "O1")
    sent = FORMS["paypal"].row_of(fields | {"Transaction Debit or Credit": "DR"}, 5, Hints())
    assert sent.item is Item.OTHER


# ------------------------------------------------------------------------------- the witness


def delivery(fields, form="alipay", line="6", via=Via.FILE):
    headers = ((FILE, "d"), (LINE, line), (FORM, form), (OF, "alipay/main"))
    return Delivery(source="bill", account="alipay-main", received_at=0, via=via, headers=headers,
                    body=msgspec.json.encode(fields))  # fmt: skip


def test_a_row_read_again_says_what_it_said():
    for form in ("alipay", "wechatpay", "stripe", "adyen", "paypal"):
        day = planted(3, form, ordinary=3)
        for each in of(pieces(form, write(day), Hints(day.zone, day.currency)), Said):
            account = Account(source="bill", name="x", zone=day.zone)
            again = bill.translate(delivery(each.fields, form, str(each.row.line)), account, {})
            assert again == bill.events_of(each.row, "d", "alipay/main")


def test_a_row_is_a_witness_of_the_platforms_own_payment():
    row = BillRow(line=3, item=Item.REFUND, standing=Standing.PENDING, status="x", at=5,
                  reference="T", operation="R", amount_minor=7, currency="CNY")  # fmt: skip
    (event,) = bill.events_of(row, "d", "alipay/main")
    assert isinstance(event, Event)
    assert (event.kind, event.result, event.role) == (Kind.REFUND, Result.PENDING, Role.BILL)
    assert (event.scope, event.payment, event.operation) == ("alipay/main", "T", "R")
    assert not event.life
    fee = BillRow(line=3, item=Item.FEE, standing=Standing.SUCCEEDED, status="x", at=5)
    assert bill.events_of(fee, "d", "alipay/main") == []


def test_nobody_can_push_a_bill():
    with pytest.raises(SignatureInvalid):
        bill.verify(delivery({}, via=Via.PUSH), {}, 0)


@pytest.mark.parametrize(
    "broken",
    [delivery({}), delivery({"支付宝交易号": "1"}), delivery({}, form="no"), delivery({}, line="x"),
     delivery([1])],
)  # fmt: skip
def test_what_is_no_row_of_a_bill_is_quarantined(broken):
    assert isinstance(bill.translate(broken, ACCOUNT, {}), Unreadable)
