import pytest

from tests.unit.sources.table.tables import ISSUE, one_event
from voidtrail.errors import MappingInvalid
from voidtrail.sources.table.mapping import parse_mapping


def test_mapping_of_the_issue_is_read():
    mapping = parse_mapping(ISSUE)
    assert (mapping.zone, mapping.currency, mapping.amount_unit) == (
        "Asia/Shanghai",
        "CNY",
        "major",
    )
    assert mapping.columns.order == "订单编号"
    assert [event.kind for event in mapping.event] == ["ORDER", "CAPTURE", "REFUND"]


def test_digest_names_the_text():
    assert parse_mapping(ISSUE).digest == parse_mapping(ISSUE).digest
    assert parse_mapping(ISSUE).digest != parse_mapping(ISSUE + "\n").digest


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("zone = [", ["TOML"]),
        ("zone = 'UTC'", ["event", "[[event]]"]),
        ("event = 3", ["event"]),
        ("digest = 'x'\n" + one_event(), ["digest"]),
        (one_event(curency="EUR"), ["curency", "currency"]),
        (one_event(columns={"ordre": "id"}), ["columns.ordre", '"order"']),
        (one_event(event={"knd": "ORDER"}), ["event 1", '"kind"']),
        (one_event(public={"dimension": ["a"]}), ["public.dimension", '"dimensions"']),
        (one_event(event={"kind": "CAPTUER"}), ["event 1", '"CAPTURE"']),
        (one_event(event={"kind": "capture"}), ['"CAPTURE"']),
        (one_event(event={"kind": "LINK"}), ["LINK"]),
        (one_event(event={"result": "OK"}), ["result", "SUCCEEDED"]),
        (one_event(event={"at": ""}), ["at"]),
        (one_event(zone="Shanghai"), ["zone", "Asia/Shanghai"]),
        (one_event(zone="../etc/passwd"), ["zone"]),
        (one_event(currency="RMB"), ["currency", "ISO 4217"]),
        (one_event(currency=""), ["currency"]),
        (one_event(amount_unit="cents"), ["amount_unit"]),
        (one_event(rounding="up"), ["rounding"]),
        (one_event(source="tables"), ["source"]),
        (one_event(event={"when": '"a" >'}), ["event 1", "when", "SQL"]),
        (one_event(event={"when": "foo(1)"}), ["when", "foo"]),
        (one_event(event={"when": "a IN (SELECT 1)"}), ["when"]),
        (one_event(event={"amount": 'SUM("a"'}), ["amount"]),
        (one_event(session={"by": [], "within_s": 60}), ["session.by"]),
        (one_event(session={"by": ["a"], "within_s": 0}), ["within_s"]),
        (one_event(session={"by": ["a"]}), ["within_s"]),
        (one_event(group_by=["id"], session={"by": ["a"], "within_s": 60}), ["group_by"]),
    ],
)
def test_mistake_is_refused_by_name(text, words):
    with pytest.raises(MappingInvalid) as caught:
        parse_mapping(text)
    for word in words:
        assert word in str(caught.value)
