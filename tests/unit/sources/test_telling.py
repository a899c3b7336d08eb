"""Telling: one delivery's facts share what they share."""

from voidtrail.event.model import Kind, Result, Tag, Via
from voidtrail.event.reason import number
from voidtrail.sources.contract import ReasonRow
from voidtrail.sources.telling import ASKED, Teller

TELL = Teller({"why/known": ReasonRow("timed_out", "doc")}, ("id",), "p1", 7, currency="CNY")


def test_fact_is_labelled_by_kind_and_operation():
    assert TELL(Kind.REFUND, Result.SUCCEEDED, "re_1").label == "refund:re_1"
    assert TELL(Kind.CANCEL, Result.SUCCEEDED).label == "cancel:p1"


def test_amount_without_a_currency_is_left_out():
    event = TELL._replace(currency="")(Kind.CAPTURE, Result.SUCCEEDED, "c", 5, Tag.OWN)
    assert (event.amount_minor, event.currency, event.tag) == (None, "", Tag.NONE)


def test_unlisted_statement_and_answer_are_no_sign_of_life():
    assert TELL(Kind.OPEN, Result.PENDING).life
    assert not TELL(Kind.OTHER, Result.UNKNOWN).life
    asked = TELL._replace(via=ASKED, life=False)(Kind.OPEN, Result.PENDING)
    assert (asked.via, asked.life) == (Via.ASKED, False)


def test_first_stated_code_gives_the_reason():
    assert TELL.why("why/", "unstated", None, "", "known") == (number("timed_out"), "known")
    assert TELL.why("why/", "unstated", "new", "known") == (number("unlisted"), "new")
    assert TELL.why("why/", "declined", None) == (number("declined"), "")
