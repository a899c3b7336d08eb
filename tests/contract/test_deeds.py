"""What a source orders, its platform's fake carries out; the answer is proved and understood."""

import pytest

from tests import signers
from voidtrail.event.account import Account
from voidtrail.event.model import STATUS, Deed, Delivery, Kind, Result, Unreadable, Verb, Via
from voidtrail.sources.registry import SOURCES
from voidtrail.testing.platforms.fake import Asked, Situation, Step
from voidtrail.testing.platforms.registry import FAKES

AT = 1_790_000_000_000_000
ADDRESS = "https://platform.example"
DONE = (Result.SUCCEEDED, Result.PENDING)
ENDED = (Kind.CANCEL, Kind.EXPIRE, Kind.VOID)


class Shop:
    """One account at one fake platform, without sockets."""

    def __init__(self, name):
        self.source, self.fake = SOURCES[name], FAKES[name]()
        self.account = Account(source=name, name="main", options=dict(self.fake.options(ADDRESS)))
        self.secrets = signers.secrets(**self.fake.secrets())

    def heard(self):
        """Take in what the platform pushes; return the statements."""
        found = []
        for notice in self.fake.take():
            delivery = self.fake.delivery(notice, "main", AT)
            said = self.source.translate(delivery, self.account, self.secrets)
            found += [] if isinstance(said, Unreadable) else said
        return found

    def told(self, verb, payment, at=AT, **more):
        """Order something; return what the answer says, None if the source cannot order it."""
        deed = Deed(verb=verb, payment=payment.reference, key="k" * 32, order=payment.order,
                    decided_at=AT, **more)  # fmt: skip
        request = self.source.act(deed, self.account, self.secrets, at, "0" * 32)
        return None if request is None else self.carried(request, at)

    def carried(self, request, at=AT):
        assert request.url.startswith(ADDRESS)
        path, _, query = request.url.removeprefix(ADDRESS).partition("?")
        headers = tuple((name.lower(), value) for name, value in request.headers)
        status, more, body = self.fake.answer(
            Asked(request.method, path, query, headers, request.body), at
        )
        delivery = Delivery(
            source=self.source.NAME, account="main", received_at=at, body=body, via=Via.ASKED,
            request=request.payment, context=request.context,
            headers=(*((name.lower(), value) for name, value in more), (STATUS, str(status))),
        )  # fmt: skip
        self.source.verify(delivery, self.secrets, at)
        found = self.source.translate(delivery, self.account, self.secrets)
        assert not isinstance(found, Unreadable), (found, body)
        return [(event.kind, event.result, event.payment) for event in found]


@pytest.fixture(params=sorted(FAKES))
def shop(request):
    return Shop(request.param)


def test_an_unpaid_payment_is_closed(shop):
    payment = shop.fake.open("A1", 1230, AT - 60_000_000)
    if any(Step.ARRIVE in steps for steps in shop.fake.PLAYS.values()):
        shop.fake.do(payment, Step.ARRIVE, AT - 1)  # there is no trade before somebody scans
    said = shop.told(Verb.CLOSE, payment)
    if said is None:
        assert not shop.source.CAPABILITIES.close
        return
    assert any(kind in ENDED and result in DONE for kind, result, _ in said), said
    assert {name for *_, name in said} == {payment.reference}
    assert payment.status == "closed"


def test_a_payment_that_is_paid_is_not_closed(shop):
    payment = shop.fake.play(Situation.PAID, "A1", 1230, AT - 600_000_000)
    said = shop.told(Verb.CLOSE, payment)
    if said is not None:
        assert not any(kind in ENDED and result is Result.SUCCEEDED for kind, result, _ in said)
        assert payment.status == "paid"
        assert payment.refunds == []


def test_what_was_taken_is_given_back_once(shop):
    payment = shop.fake.play(Situation.PAID, "A1", 1230, AT - 600_000_000)
    taken = [e for e in shop.heard() if e.kind is Kind.CAPTURE and e.result is Result.SUCCEEDED]
    operation = taken[-1].operation if taken else ""
    known = {"amount_minor": 1230, "total_minor": 1230, "currency": shop.fake.CURRENCY,
             "operation": operation}  # fmt: skip
    # The first answer is lost, and it is ordered again after midnight.
    for at in (AT, AT + 90_000_000_000):
        said = shop.told(Verb.REFUND, payment, at, **known)
        if said is None:
            assert not shop.source.CAPABILITIES.refund
            return
        assert sum(not each.failed for each in payment.refunds) == 1
        assert (Kind.REFUND, Result.REFUSED) not in [(kind, result) for kind, result, _ in said]
    assert any(kind in (Kind.REFUND, Kind.OTHER) for kind, *_ in said), said


def test_what_is_held_is_let_go(shop):
    can_hold = Step.AUTHORISE in shop.fake.PLAYS.get(Situation.MERCHANT_VOIDED, ())
    if not can_hold or not shop.source.CAPABILITIES.void:
        return
    payment = shop.fake.open("A1", 1230, AT - 600_000_000)
    assert shop.fake.do(payment, Step.AUTHORISE, AT - 1)
    held = [event.operation for event in shop.heard() if event.kind is Kind.AUTHORISE]
    said = shop.told(Verb.VOID, payment, operation=held[-1] if held else "", amount_minor=1230,
                     currency=shop.fake.CURRENCY)  # fmt: skip
    assert any(kind in ENDED and result in DONE for kind, result, _ in said), said
    assert payment.status == "closed"
