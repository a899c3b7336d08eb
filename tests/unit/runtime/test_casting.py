"""Rows that are cast are the items that their events would have become."""

import polars as pl
import pytest
from msgspec import structs

from tests.unit.runtime.house import house
from voidtrail.event.account import Account
from voidtrail.ledger.contract import QUARANTINED
from voidtrail.runtime.app import add_account
from voidtrail.runtime.casting import Casting
from voidtrail.runtime.envelope import unpack
from voidtrail.runtime.preparing import item_of
from voidtrail.sources.table.mapping import parse_mapping
from voidtrail.sources.table.marks import number_rows
from voidtrail.sources.table.rows import TableFile, as_events, prepare, translate_numbered

_CARD, _REFERENCE = "4242 4242 4242 4242", "4000056655665556"
_FILE = TableFile(name="t.csv", digest="d" * 64, received_at=1_790_000_000_000_000)
_EVENTS = """
[[event]]
kind = "CAPTURE"
result = "SUCCEEDED"
at = "at"
amount = "amount"
operation = "txn"
currency = "currency"
[[event]]
kind = "REFUND"
result = "SUCCEEDED"
at = "at"
amount = "amount"
when = "amount > 5"
reason = "why"
[[event]]
kind = "CANCEL"
result = "SUCCEEDED"
at = "at"
when = "amount > 6"
reason = "price_too_high"
"""
_MAPPING = f"""
source = "table"
zone = "UTC"
amount_unit = "major"
currency = "CNY"
[columns]
order = "order"
payment = "payment"
customer = "customer"
method = "how"
channel = "where"
[public]
dimensions = ["shop", "note"]
{_EVENTS}"""
_GROUPED = f"""
source = "table"
zone = "UTC"
amount_unit = "major"
currency = "CNY"
group_by = ["order"]
[columns]
order = "order"
{_EVENTS}""".replace('amount = "amount"', 'amount = "SUM(amount)"').replace(
    "amount >", "SUM(amount) >")  # fmt: skip


def _frame():
    rows = [
        {
            "order": f"o{n // 2}", "payment": f"{_REFERENCE}" if n == 3 else f"p{n}",
            "customer": None if n % 3 else f"c{n}", "how": ("card", "支付宝", None)[n % 3],
            "where": ("web", None)[n % 2], "shop": f"s{n % 2}",
            "note": _CARD if n == 4 else None, "at": "1969-12-31" if n == 5 else f"2024-01-0{n}",
            "amount": "1,5" if n == 6 else str(n), "txn": f"t{n}" if n % 2 else None,
            "currency": ("CNY", "JPY")[n % 2],
            "why": (None, "goods_returned", f"no {_CARD}")[n % 3],
        }
        for n in range(1, 10)
    ]  # fmt: skip
    return pl.DataFrame(rows)


@pytest.mark.parametrize("mode", ["live", "test"])
@pytest.mark.parametrize("text", [_MAPPING, _GROUPED], ids=["rows", "groups"])
def test_row_that_is_cast_is_the_item_of_its_events(tmp_path, text, mode):
    home = house(tmp_path)
    home.ledger.begin()
    account = Account(source="table", name="years", shop="shop/1", mode=mode)
    entry = add_account(home, account, {})
    home.ledger.commit()
    plan = prepare(parse_mapping(text), _frame(), account)
    numbered, keyring = number_rows(_frame(), plan, 0, None), home.keyring
    casting = Casting(entry, 1001)
    rows = translate_numbered(numbered, plan, _FILE, account, casting)
    cast = [casting.item(delivery, found, keyring, entry.no, 9) for delivery, found in rows]
    told = translate_numbered(numbered, plan, _FILE, account, as_events)
    whole = [item_of(delivery, found, entry, keyring, file_no=9, version=1001)
             for delivery, found in told]  # fmt: skip
    assert [each._replace(events=[structs.astuple(e) for e in each.events]) for each in cast] == [
        each._replace(events=[structs.astuple(e) for e in each.events]) for each in whole
    ]
    reasons = [each.why for each in cast if each.outcome == QUARANTINED]
    assert "occurred_at is out of range" in reasons
    kept = [unpack(each.plain, source="table", account="years", received_at=0, via=2).body
            for each in cast]  # fmt: skip
    assert not any(b"4242 4242 4242" in body for body in kept)
    assert text is _GROUPED or any(_REFERENCE.encode() in body for body in kept)
    home.close()
