"""The mapped examples reproduce the published figures of their data, to the last penny."""

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from tests.conftest import ROOT
from voidtrail.event.account import Account
from voidtrail.event.model import Actor, Kind, Result
from voidtrail.event.reason import BY_NUMBER
from voidtrail.runtime.tables import open_table, translate_file
from voidtrail.sources.table.mapping import parse_mapping
from voidtrail.sources.table.reread import retranslate
from voidtrail.sources.table.rows import TableFile, translate_frame

EXAMPLES = ROOT / "examples"
FILES = {
    "uci_online_retail": "online_retail.parquet",
    "retail_db_orders": "orders.parquet",
    "psp_card_attempts": "psp_attempts_2019_01.parquet",
}
ACCOUNT = Account(source="table", name="history")


@pytest.fixture(scope="module")
def imported(shared):
    def read(example):
        path = shared / "data" / example / FILES[example]
        if not path.is_file():
            pytest.skip(f"{path.name} is not here")
        mapping = parse_mapping((EXAMPLES / example / "map.toml").read_text(encoding="utf-8"))
        found = list(translate_file(open_table(path), mapping, ACCOUNT, 0))
        assert all(isinstance(said, list) for _, said in found), "0 unreadable"
        for delivery, said in found[:: max(len(found) // 25, 1)]:
            assert retranslate(delivery, mapping, ACCOUNT) == said
        return found

    return read


def month(event, zone):
    return f"{datetime.fromtimestamp(event.occurred_at // 10**6, UTC).astimezone(zone):%Y-%m}"


def test_uci_online_retail(imported):
    found = imported("uci_online_retail")
    assert len(found) == 25_900
    events = [event for _, said in found for event in said]
    cancelled = [event for event in events if event.kind is Kind.CANCEL]
    paid = [event for event in events if event.kind is Kind.CAPTURE]
    placed = [event for event in events if event.kind is Kind.ORDER]
    assert (len(cancelled), len(paid), len(placed)) == (3_836, 22_064, 22_064)
    assert len({event.order for event in events}) == 25_900
    assert {event.currency for event in events} == {"GBP"}
    assert all(event.result is Result.SUCCEEDED for event in events)
    assert sum(event.amount_minor for event in cancelled) == 89_681_249
    assert all(event.amount_minor > 0 for event in cancelled)
    # Value of what is no credit note: 10,644,560.4240, with two bad-debt write-offs of 11,062.06
    # taken as 0.00, and four invoices rounded down by 0.001 each.
    assert sum(event.amount_minor for event in paid) == 1_064_456_042 + 2 * 1_106_206
    zone = ZoneInfo("Europe/London")
    assert Counter(month(event, zone) for event in cancelled)["2011-11"] == 441
    assert Counter(month(event, zone) for event in placed)["2011-11"] == 3_462 - 441
    countries = Counter(dict(event.dimensions)["Country"] for event in cancelled)
    assert (countries["United Kingdom"], countries["Germany"], countries["EIRE"]) == (
        3_372,
        146,
        72,
    )


def test_uci_cancelled_value_is_wrong_without_equal_line_items(shared):
    path = shared / "data/uci_online_retail/online_retail.parquet"
    mapping = parse_mapping((EXAMPLES / "uci_online_retail/map.toml").read_text(encoding="utf-8"))
    distinct = pl.read_parquet(path).unique(maintain_order=True)
    file = TableFile(name="distinct.parquet", digest="d" * 64, received_at=0)
    cancelled = [
        event.amount_minor or 0
        for _, said in translate_frame(distinct, mapping, file, ACCOUNT)
        for event in (said if isinstance(said, list) else ())
        if event.kind is Kind.CANCEL
    ]
    assert (len(cancelled), sum(cancelled)) == (3_836, 89_397_973)


def test_uci_credit_notes_as_an_analyst_asks(shared):
    script = EXAMPLES / "uci_online_retail" / "credit_notes.py"
    path = shared / "data/uci_online_retail/online_retail.parquet"
    run = [sys.executable, str(script), str(path)]
    found = json.loads(subprocess.run([*run, "--json"], capture_output=True, check=True).stdout)
    assert (found["credit_notes"], found["originals"]) == (3_836, 22_064)
    assert found["rate"]["value"] == round(3_836 / 22_064, 6)
    assert "22064" in found["rate"]["denominator"]
    known = found["with_customer"]
    assert (known["lines"], known["linked"], round(known["share_linked"], 3)) == (
        8_905,
        2_937,
        0.33,
    )
    assert round(known["median_lag_h"], 1) == 221.0
    parts = found["lines"]
    assert parts["all"] == {"lines": 9_288, "notes": 3_836, "value_gbp": "896812.49"}
    split = [parts["goods_linked"], parts["goods_unlinked"], parts["not_goods"]]
    assert sum(part["lines"] for part in split) == 9_288
    assert round(sum(float(part["value_gbp"]) for part in split), 2) == 896812.49
    codes = found["not_goods_by_code"]
    assert [codes[code]["lines"] for code in ("M", "POST", "D", "S")] == [244, 126, 77, 61]
    shown = subprocess.run(run, capture_output=True, check=True).stdout.decode()
    assert "credit_notes: 3836" in shown


STATUSES = {
    "COMPLETE": 22_899, "PENDING_PAYMENT": 15_030, "PROCESSING": 8_275, "PENDING": 7_610,
    "CLOSED": 7_556, "ON_HOLD": 3_798, "SUSPECTED_FRAUD": 1_558, "CANCELED": 1_428,
    "PAYMENT_REVIEW": 729,
}  # fmt: skip
MONTHS = """
2013-07 1533 0.0144 0.2303 0.0215
2013-08 5680 0.0220 0.2111 0.0231
2013-09 5841 0.0217 0.2157 0.0253
2013-10 5335 0.0186 0.2197 0.0202
2013-11 6381 0.0204 0.2228 0.0235
2013-12 5892 0.0227 0.2279 0.0214
2014-01 5908 0.0186 0.2258 0.0222
2014-02 5635 0.0222 0.2138 0.0211
2014-03 5778 0.0202 0.2134 0.0239
2014-04 5657 0.0184 0.2178 0.0198
2014-05 5467 0.0230 0.2147 0.0238
2014-06 5308 0.0196 0.2118 0.0247
2014-07 4468 0.0235 0.2191 0.0226
"""
MEANS = {
    "COMPLETE": (Kind.CAPTURE, Result.SUCCEEDED), "CLOSED": (Kind.CAPTURE, Result.SUCCEEDED),
    "PROCESSING": (Kind.CAPTURE, Result.SUCCEEDED), "CANCELED": (Kind.CANCEL, Result.SUCCEEDED),
    "PENDING_PAYMENT": (Kind.OPEN, Result.PENDING), "PENDING": (Kind.OPEN, Result.PENDING),
    "ON_HOLD": (Kind.OPEN, Result.PENDING), "PAYMENT_REVIEW": (Kind.AUTHORISE, Result.PENDING),
    "SUSPECTED_FRAUD": (Kind.AUTHORISE, Result.REFUSED),
}  # fmt: skip


def test_retail_db_orders(imported):
    found = imported("retail_db_orders")
    assert len(found) == 68_883
    zone = ZoneInfo("America/New_York")
    statuses: Counter[str] = Counter()
    months: Counter[object] = Counter()
    for _, (placed, reached) in found:
        status = dict(placed.dimensions)["order_status"]
        assert placed.kind is Kind.ORDER
        assert (reached.kind, reached.result) == MEANS[status]
        assert placed.amount_minor is None
        assert reached.code == ("CANCELED" if status == "CANCELED" else "")
        statuses[status] += 1
        months[month(placed, zone), status] += 1
        months[month(placed, zone)] += 1
    assert dict(statuses) == STATUSES
    for line in MONTHS.strip().splitlines():
        name, count, *shares = line.split()
        assert months[name] == int(count)
        for status, share in zip(("CANCELED", "PENDING_PAYMENT", "SUSPECTED_FRAUD"), shares,
                                 strict=True):  # fmt: skip
            assert f"{months[name, status] / months[name]:.4f}" == share
    fraud = [said[1] for _, said in found if said[1].kind is Kind.AUTHORISE and said[1].reason]
    assert {BY_NUMBER[event.reason].slug for event in fraud} == {"fraud_suspected"}
    assert len(fraud) == STATUSES["SUSPECTED_FRAUD"]


def test_psp_card_attempts(imported):
    found = imported("psp_card_attempts")
    events = [event for _, said in found for event in said]
    assert len(found) == len(events) == 26_304
    failed = [event for event in events if event.kind is Kind.AUTHORISE]
    assert all(event.result is Result.REFUSED for event in failed)
    assert all(BY_NUMBER[event.reason].actor is Actor.ISSUER for event in failed)
    assert f"{len(failed) / len(events):.4f}" == "0.7977"
    assert len({event.payment for event in events}) == 26_304
    # By a plain walk over the attempts of each country and amount: 14,300 sessions.
    assert len({event.order for event in events}) == 14_300
    paid = Counter(event.order for event in events if event.kind is Kind.CAPTURE)
    assert set(dict(events[0].dimensions)) == {"PSP", "card", "3D_secured", "country"}
    assert sum(paid.values()) == 26_304 - 20_982
    zone = ZoneInfo("Europe/Berlin")
    assert {month(event, zone) for event in events} == {"2019-01"}
