"""Reconciling a file: what is refused, what is kept, what takes the place of what."""

import gzip
import json
import zipfile

import msgspec
import pytest

from tests.simulation.bills import book, house_in, reconciled
from voidtrail.errors import AccountUnknown, BillMismatch, FileInvalid, WrongUse
from voidtrail.event.account import Account
from voidtrail.event.bill import Item
from voidtrail.event.model import Role
from voidtrail.runtime.app import add_account
from voidtrail.runtime.reconciling import keeping
from voidtrail.runtime.reconciling.describing import for_machines
from voidtrail.runtime.reconciling.keeping import findings_of, runs
from voidtrail.runtime.reconciling.run import Asked, reconcile_file
from voidtrail.runtime.retranslate import retranslate
from voidtrail.testing.bills import planted, write


@pytest.fixture
def house(tmp_path):
    made = house_in(tmp_path)
    yield made
    made.close()


class Gbk(zipfile.ZipInfo):
    """A file of an archive whose name is written as Alipay writes it."""

    def _encodeFilenameFlags(self):
        return self.filename.encode("gbk"), self.flag_bits


def account(house, source, **options):
    house.ledger.begin()
    add_account(house, Account(source=source, name="main", shop="s", options=options), {})
    house.ledger.commit()


def a_day(house, tmp_path, seed=2, form="alipay", **more):
    day = planted(seed, form, ordinary=6)
    name = book(house, day)
    file = tmp_path / f"{name}.csv"
    file.write_bytes(write(day))
    return day, Asked(file, day.source, name, **more)


# ------------------------------------------------------------------------------- published bills


def test_the_published_bill_of_wechat_pay(house, shared, tmp_path):
    account(house, "wechatpay", mchid="1601959334")
    file = shared / "psp" / "wechatpay" / "bill_trade_ALL_2021-01-28_sample.csv"
    proofs = tmp_path / "proofs.jsonl"
    found = reconcile_file(house, Asked(file, "wechatpay", day="2021-01-28", proofs=proofs))
    assert (found.run.rows, found.run.open, found.run.complete) == (3, 3, True)
    assert [each.kind for each in found.findings] == ["missing_here"] * 3
    assert not found.run.notes
    lines = [json.loads(line) for line in proofs.read_text().splitlines()]
    assert sorted(line["there"][0]["line"] for line in lines) == [2, 3, 4]
    assert for_machines(found)["run"]["since"] == "2021-01-28T00:00:00+08:00"


def test_the_published_excerpt_of_alipay_is_taken_in_as_far_as_it_goes(house, shared):
    account(house, "alipay", seller_id="2088021109625633")
    file = shared / "psp" / "alipay" / "bill_trade_2019-09-16_sample_gbk_excerpt.csv"
    found = reconcile_file(house, Asked(file, "alipay", day="2019-09-16"))
    assert (found.run.payments, found.run.refunds, found.run.complete) == (2, 2, False)
    assert [each.code for each in found.run.notes] == ["total"] * 4 + ["not_judged"]
    assert found.run.notes[0].stated == "6"
    assert found.run.notes[0].found == "2"


# ------------------------------------------------------------------------------- what is refused


def test_a_bill_of_another_day_account_or_platform_is_refused_by_name(house, tmp_path):
    day, asked = a_day(house, tmp_path)
    account(house, "alipay", seller_id="2088999999999999")
    account(house, "stripe")
    entries = house.ledger.head().entries
    other_day = asked._replace(day="2025-12-31")
    with pytest.raises(BillMismatch, match=f"is of {day.date}, not of 2025-12-31"):
        reconcile_file(house, other_day)
    other_account = asked._replace(account="main")
    with pytest.raises(BillMismatch, match=f"'{day.merchant}0156', but alipay/main is '2088999"):
        reconcile_file(house, other_account)
    other_platform = asked._replace(source="stripe", account="main")
    with pytest.raises(BillMismatch, match="a bill of alipay, not of stripe"):
        reconcile_file(house, other_platform)
    assert house.ledger.head().entries == entries


def test_a_day_without_a_stated_period_is_checked_by_its_rows(house, tmp_path):
    day, asked = a_day(house, tmp_path, form="wechatpay")
    with pytest.raises(BillMismatch, match=day.date):
        reconcile_file(house, asked._replace(day="2025-12-31"))


def test_what_is_no_bill_is_refused(house, tmp_path):
    account(house, "alipay")
    file = tmp_path / "x.csv"
    for content in (b"", b"a,b\n1,2\n"):
        file.write_bytes(content)
        with pytest.raises(FileInvalid):
            reconcile_file(house, Asked(file, "alipay"))
    with pytest.raises(FileInvalid):
        reconcile_file(house, Asked(tmp_path / "absent.csv", "alipay"))
    with pytest.raises(AccountUnknown):
        reconcile_file(house, Asked(file, "wechatpay"))


def test_of_several_accounts_one_must_be_named(house, tmp_path):
    _, asked = a_day(house, tmp_path, seed=2)
    a_day(house, tmp_path, seed=3)
    with pytest.raises(WrongUse, match="alipay-2, alipay-3"):
        reconcile_file(house, asked._replace(account=""))


# ------------------------------------------------------------------------------- archives, halves


def test_a_zip_with_names_in_gbk_and_a_gzip_are_opened(house, tmp_path):
    day, asked = a_day(house, tmp_path)
    plain = reconcile_file(house, asked)
    zipped = tmp_path / "bill.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr(Gbk(f"{day.merchant}_业务明细.csv"), asked.path.read_bytes())
        archive.writestr(Gbk(f"{day.merchant}_业务明细(汇总).csv"), "#汇总".encode("gbk"))
    packed = tmp_path / "bill.csv.gz"
    packed.write_bytes(gzip.compress(asked.path.read_bytes()))
    for file in (zipped, packed):
        found = reconcile_file(house, asked._replace(path=file))
        assert found.findings == plain.findings
        assert found.run.digest == plain.run.digest


def test_half_a_file_is_taken_in_as_far_as_it_goes_and_says_so(house, tmp_path):
    day, asked = a_day(house, tmp_path, form="wechatpay")
    whole = asked.path.read_bytes()
    asked.path.write_bytes(whole[: len(whole) // 2])
    found = reconcile_file(house, asked)
    assert 0 < found.run.rows < len(day.entries)
    assert not found.run.complete
    assert {"half", "not_judged"} <= {each.code for each in found.run.notes}
    assert found.run.counts["missing_there"] == 0, "it may stand in the other half"
    asked.path.write_bytes(whole)
    again = reconcile_file(house, asked)
    assert again.run.complete
    assert again.run.replaces == (1,)


def test_a_line_that_cannot_be_read_is_quarantined_and_named(house, tmp_path):
    day, asked = a_day(house, tmp_path, form="wechatpay")
    lines = asked.path.read_text("utf-8-sig").splitlines()
    lines[3] = lines[3].replace(f"`{day.merchant}", "`x", 1).rpartition(",`")[0]
    asked.path.write_text("\n".join(lines) + "\n", "utf-8")
    found = reconcile_file(house, asked)
    assert found.run.unreadable == 1
    assert not found.run.complete
    assert any(each.code == "unreadable" and each.where == "4" for each in found.run.notes)
    ((path, why),) = house.ledger.db.execute("SELECT path, why FROM delivery WHERE outcome = 1")
    assert path == "line 4"
    assert "fields, but the header names" in why
    assert found.run.counts["missing_there"] == 0, "it may be the line that cannot be read"


# ------------------------------------------------------------------------------- what is kept


def _active(house):
    return house.ledger.db.execute(
        "SELECT count(*) FROM event WHERE role = ? AND active = 1", (int(Role.BILL),)
    ).fetchone()[0]


def test_the_same_bill_again_finds_the_same_and_keeps_nothing_twice(house, tmp_path):
    _, asked = a_day(house, tmp_path)
    first = reconcile_file(house, asked)
    kept = _active(house)
    assert kept == first.run.payments + first.run.refunds
    second = reconcile_file(house, asked)
    assert second.findings == first.findings, "a bill does not agree with its own echo"
    assert second.run.replaces == (1,)
    assert _active(house) == kept
    assert [each.number for each in runs(house, 9)] == [2, 1]
    for number in (1, 2):
        assert tuple(findings_of(house, number)) == first.findings


def test_an_interrupted_run_goes_on_where_it_was(house, tmp_path, monkeypatch):
    monkeypatch.setattr(keeping, "SLICE_MAX", 8)
    _, asked = a_day(house, tmp_path)

    def interrupt(stage, done, total):
        if stage == "keep" and done > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reconcile_file(house, asked, interrupt)
    assert _active(house) > 0
    assert not runs(house, 9), "a run that did not end is none"
    found = reconcile_file(house, asked)
    assert _active(house) == found.run.payments + found.run.refunds
    assert found.run.number == 1


def test_a_bill_without_refunds_does_not_miss_them(house, tmp_path):
    day, asked = a_day(house, tmp_path, form="wechatpay")
    missing = [each for each in day.expected if each.kind == "missing_there"]
    assert {each.item for each in missing} == {"payment", "refund"}
    day.entries = [each for each in day.entries if each.item is Item.PAYMENT]
    text = write(day).decode("utf-8-sig").replace("微信退款单号", "x", 1)
    asked.path.write_text(text, "utf-8")
    found = reconcile_file(house, asked)
    assert found.run.lacks == ("refund",)
    gone = [each for each in found.findings if each.kind == "missing_there"]
    assert {each.item for each in gone} == {"payment"}
    asked.path.write_bytes(write(day))
    again = reconcile_file(house, asked)
    assert again.run.replaces == (), "a bill of another type is another bill"


def test_a_corrected_bill_takes_the_place_of_the_earlier_one(house, tmp_path):
    day, asked = a_day(house, tmp_path)
    reconcile_file(house, asked)
    before = _active(house)
    day.entries = day.entries[1:]
    asked.path.write_bytes(write(day))
    found = reconcile_file(house, asked)
    assert found.run.replaces == (1,)
    assert _active(house) == before - 1


def test_rows_are_read_again_like_any_delivery(house, tmp_path):
    _, asked = a_day(house, tmp_path)
    reconcile_file(house, asked)
    assert msgspec.structs.asdict(retranslate(house, "bill"))["retracted"] == 0
    (quarantined,) = house.ledger.db.execute(
        "SELECT count(*) FROM delivery WHERE outcome = 1").fetchone()  # fmt: skip
    assert quarantined == 0


def test_a_payment_near_midnight_is_missed_only_when_neither_bill_holds_it(house, tmp_path):
    for seed in range(30):
        day = planted(seed, "wechatpay", ordinary=1)
        late = [
            each for each in day.ours if day.until - 600_000_000 <= each.occurred_at < day.until
        ]
        if late:
            break
    found = reconciled(house, day, tmp_path)
    assert found.run.waiting == len(late)
    assert not any(late[0].order == each.order for each in found.findings)


def test_proofs_name_both_sides_of_every_order_across_rails(house, tmp_path):
    day, asked = a_day(house, tmp_path, seed=4, form="stripe", proofs=tmp_path / "p.jsonl")
    reconcile_file(house, asked)
    lines = [json.loads(line) for line in asked.proofs.read_text().splitlines()]
    orders = [line["order"] for line in lines]
    assert len(orders) == len(set(orders))
    wrong = {each.order for each in day.expected if each.kind != "split"}
    assert {line["order"] for line in lines if not line["agreed"]} == wrong
    rails = [{side["account"].split("/")[0] for side in line["payments"]} for line in lines]
    assert {"stripe", "razorpay"} in rails
    agreed = next(line for line in lines if line["agreed"] and line["there"])
    assert agreed["here"]
    assert agreed["there"][0]["reference"]
