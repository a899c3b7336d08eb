"""A record is frozen: what it hashes, what it leaves out, and what its keys are made of."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voidtrail.event.codec import (
    RECORD,
    Record,
    digest_of,
    encode,
    key63,
    leaf,
    order_name,
    payment_name,
)
from voidtrail.event.model import Channel, Event, Kind, Method, Result, Role, Tag

T0 = 1_760_000_000_000_000
PLACES = range(RECORD.index("kind"), len(RECORD))


def event(**said):
    said = {"kind": Kind.CAPTURE, "result": Result.SUCCEEDED, "payment": "p", "label": "l",
            "identity": ("i",), "occurred_at": T0, **said}  # fmt: skip
    return Event(**said)


def coded(said=None, *, source="stripe", account="main", version=1):
    return encode(said or event(), source=source, account=account, account_no=1, shop="s",
                  version=version)  # fmt: skip


def record(said=None, **more):
    return Record(7, None, *coded(said, **more).rest)


@given(st.text(max_size=40))
def test_keys_fit_into_63_bits_for_any_text(text):
    assert 0 <= key63(text) < 2**63


def test_lone_surrogates_have_keys_too():
    assert key63("\ud800") != key63("\ud801")


def test_the_event_id_hangs_on_speaker_identity_and_label_only():
    same = record(event(kind=Kind.REFUND, payment="other", occurred_at=1, code="x"))
    assert same.event_id == record().event_id
    assert record(version=2).event_id == record().event_id
    others = [record(event(label="m")), record(event(identity=("j",))),
              record(source="alipay"), record(account="second")]  # fmt: skip
    assert len({each.event_id for each in [record(), *others]}) == 5


def test_the_digest_covers_content_and_nothing_that_a_store_gives_out():
    assert record().digest == record(version=9).digest
    assert digest_of(record()) == record().digest
    assert record()._replace(delivery_id=8, subject=3).digest == digest_of(record())


@pytest.mark.parametrize("place", PLACES, ids=lambda place: RECORD[place])
def test_every_column_of_the_content_is_digested(place):
    whole = record(event(amount_minor=5, currency="CNY", order="A", operation="o", until=T0,
                         method=Method.CARD_FORM, reverses="capture:o"))  # fmt: skip
    value = whole[place]
    changed = {int: lambda: value + 1, bytes: lambda: value + b"\0" * 8, str: lambda: value + "x"}
    assert digest_of(whole._replace(**{RECORD[place]: changed[type(value)]()})) != whole.digest


@pytest.mark.parametrize("place", range(RECORD.index("digest") + 1), ids=lambda at: RECORD[at])
def test_every_column_up_to_the_digest_is_in_the_leaf(place):
    value = record()[place]
    other = 1 if value is None else value[::-1] + b"x" if isinstance(value, bytes) else value + 1
    assert leaf(record()._replace(**{RECORD[place]: other})) != leaf(record())


def test_the_customer_stands_beside_the_record_and_not_in_it():
    said = coded(event(customer="canary"))
    assert said.customer == "canary"
    assert b"canary" not in msgspec.msgpack.encode(said.rest)
    assert said.rest == coded(event()).rest


def test_names_are_scoped_by_the_reference_giver():
    said = coded(event(scope="alipay/cn", names=("q",)), source="storefront", account="web")
    assert [text for _, text in said.names] == ["alipay/cn/p", "alipay/cn/q"]
    assert payment_name("alipay/cn", "p") == "alipay/cn/p"
    assert coded(event(order="A1")).order == (key63(order_name("s", "A1")), "order/s/A1")


def test_operations_are_scoped_by_the_speaker_and_met_by_what_undoes_them():
    refund = record(event(kind=Kind.REFUND, operation="re_1"))
    undone = record(event(kind=Kind.REVERSE, operation="x", reverses="refund:re_1"))
    assert undone.reverses == refund.op
    assert record(event(kind=Kind.OPEN)).op is None, "an OPEN is no operation"
    elsewhere = record(event(kind=Kind.REFUND, operation="re_1"), account="second")
    assert elsewhere.op != refund.op


def test_amounts_carry_a_currency_and_nothing_else_does():
    assert record(event(amount_minor=5, currency="CNY", tag=Tag.OWN)).currency == 156
    assert record().currency is None
    with pytest.raises(ValueError, match="ISO 4217"):
        record(event(amount_minor=5, currency="RMB"))


def test_the_latest_method_is_the_largest():
    def seen(at, method):
        return record(event(occurred_at=at, method=method, channel=Channel.WEB)).method_seen

    early, late = seen(T0, Method.VOUCHER), seen(T0 + 1_000_000, Method.CARD_FORM)
    assert early < late
    assert late >> 8 & 255 == Method.CARD_FORM
    assert record().method_seen is None


def test_dimensions_are_sorted_json():
    said = record(event(dimensions=(("z", "1"), ("a", "\u4e2d"))))
    assert said.dimensions == '{"a":"\u4e2d","z":"1"}'
    assert record().dimensions == ""


def test_a_shop_speaking_of_its_own_order_is_a_placeholder():
    assert record(event(role=Role.SHOP)).placeholder == 1
    assert record(event(role=Role.SHOP, scope="stripe/main")).placeholder == 0
    assert record(event()).placeholder == 0
