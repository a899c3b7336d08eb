"""What fits is no contradiction."""

from voidtrail.event.account import Account
from voidtrail.event.model import Kind, Result
from voidtrail.runtime.views.disagreement import contradictions

ACCOUNTS = {1: Account(source="stripe", name="main"), 2: Account(source="storefront", name="web")}


def _said(seq, kind, account_no=1, amount=None, **more):
    return {"seq": seq, "active": 1, "account_no": account_no, "kind": kind,
            "result": Result.SUCCEEDED, "amount_minor": amount, "currency": amount and 156,
            "operation": "", "name_key": 1, **more}  # fmt: skip


def test_sources_that_agree_do_not_contradict():
    told = [_said(1, Kind.OPEN, amount=100), _said(2, Kind.CAPTURE, amount=100),
            _said(3, Kind.ORDER, 2, 100), _said(4, Kind.CAPTURE, 2, 100)]  # fmt: skip
    assert contradictions(told, {}, ACCOUNTS) == ()


def test_paid_and_then_given_back_is_no_contradiction_of_cancelled():
    told = [_said(1, Kind.CAPTURE, amount=100), _said(2, Kind.REFUND, amount=100),
            _said(3, Kind.CANCEL, 2)]  # fmt: skip
    assert contradictions(told, {}, ACCOUNTS) == ()


def test_what_was_replaced_contradicts_nothing():
    told = [_said(1, Kind.CAPTURE, amount=100), _said(2, Kind.CAPTURE, 2, 900, active=0)]
    assert contradictions(told, {}, ACCOUNTS) == ()


def test_refused_amount_counts_for_nothing():
    told = [_said(1, Kind.CAPTURE, amount=100),
            _said(2, Kind.CAPTURE, 2, 900, result=Result.REFUSED)]  # fmt: skip
    assert contradictions(told, {}, ACCOUNTS) == ()
