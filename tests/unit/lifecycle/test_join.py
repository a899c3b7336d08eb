"""The joins: a fact in Python is a fact in SQL, and each column listens to what it should."""

from tests.unit.lifecycle.story import MINUTE, SHOP, T0, Told, captured, opened, record, said
from voidtrail.event.codec import RECORD
from voidtrail.event.model import Kind, Result, Via
from voidtrail.lifecycle.join import FACT, FACTS_SQL, OPERATION_KINDS, PAYMENT, fact


def test_places_of_a_fact_are_columns_of_the_record_or_resolved():
    resolved = {"payment_id", "order_id", "speaker", "op_currency"}
    assert set(FACT) - set(RECORD) == resolved
    assert FACTS_SQL.count(" AS ") == len(FACT)
    said_fact = fact(record(*captured()), 7, 8)
    by_name = dict(zip(FACT, said_fact, strict=True))
    assert (by_name["payment_id"], by_name["order_id"]) == (7, 8)
    for name in set(FACT) - resolved:
        assert by_name[name] == getattr(record(*captured()), name)


def test_other_statements_say_nothing_of_a_payments_life():
    told = Told(opened(), said(Kind.OTHER, minute=50), said(Kind.LINK, minute=60))
    assert (told.column("life_at"), told.column("last_at")) == (T0, T0)


def test_only_the_movers_word_seals():
    assert Told(said(Kind.CANCEL, by=SHOP)).column("sealed_at") is None
    assert Told(said(Kind.CANCEL, Result.REQUESTED)).column("sealed_at") is None
    assert Told(said(Kind.EXPIRE, minute=3)).column("sealed_at") == T0 + 3 * MINUTE


def test_the_answer_not_paid_is_remembered():
    asked = said(Kind.OPEN, minute=9, via=Via.ASKED, life=False)
    assert Told(opened(), asked).column("asked_at") == T0 + 9 * MINUTE
    assert Told(opened()).column("asked_at") is None


def test_every_kind_of_money_is_an_operation():
    assert {6, 7, 9, 11, 12, 13} == OPERATION_KINDS
    assert PAYMENT.names[:2] == ("payment_id", "key")
