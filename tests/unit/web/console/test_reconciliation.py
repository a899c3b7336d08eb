"""What the page of reconciliation says in a sentence, and its export."""

from voidtrail.runtime.reconciling.shapes import Finding, Run, Side
from voidtrail.runtime.text import speak
from voidtrail.runtime.views.reconciliation import Open, Reconciliation
from voidtrail.web.console.reconciliation import COLUMNS, _cells, _chosen, headline

RUN = Run(
    number=3, at=0, source="alipay", account="main", form="alipay", file="b.csv", digest="d",
    since=1_772_294_400_000_000, until=1_772_380_800_000_000, zone="Asia/Shanghai", rows=1,
    payments=1, refunds=0, disputes=0, others=0, unreadable=0, agreed=0, waiting=0, unpaid=0,
    open=1, complete=True, counts={},
)  # fmt: skip


def page(runs=(RUN,), still_open=0):
    return Reconciliation(runs=runs, replaced=frozenset(), open=still_open, total=0, rows=(),
                          next=0, accounts=())  # fmt: skip


def test_the_headline_says_how_much_is_open():
    speak("en")
    assert headline(page(())) == "No bill has been reconciled yet."
    assert headline(page()) == "Bills and books agree."
    assert headline(page(still_open=1)) == "1 difference between bills and books is open."
    assert headline(page(still_open=2)) == "2 differences between bills and books are open."


def test_an_address_that_was_tampered_with_filters_nothing():
    assert _chosen({"kind": "x", "run": "-1", "after": "1e9"}) == _chosen({})
    assert _chosen({"kind": "split", "run": "2"}).run == 2


def test_a_finding_has_a_line_for_each_leg_with_both_sides_beside_one_another():
    bill = Side(reference="=T1", standing="succeeded", line=7, amount_minor=1250, currency="CNY",
                at=1_772_294_401_000_000)  # fmt: skip
    ours = Side(reference="alipay/main/P1", standing="paid", account="alipay/main",
                amount_minor=1200, currency="CNY")  # fmt: skip
    found = Finding(kind="amount_differs", open=True, item="payment", order="+O1",
                    there=(bill, bill), here=(ours,))  # fmt: skip
    first, second = (dict(zip(COLUMNS, line, strict=True))
                     for line in _cells(Open(run=RUN, finding=found)))  # fmt: skip
    assert (first["bill_amount"], first["here_amount"]) == ("12.50", "12.00")
    assert first["bill_at"] == "2026-03-01T00:00:01+08:00"
    assert (first["bill_line"], first["here_account"]) == ("7", "alipay/main")
    assert first["bill_reference"] == "'=T1", "a spreadsheet would execute it"
    assert first["order"] == "'+O1"
    assert (second["bill_amount"], second["here_amount"]) == ("12.50", "")
