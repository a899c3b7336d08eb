"""A payment's whole life: verdict, balance, one lane a source, proof, and what does not fit."""

import pytest

from tests.unit.runtime.house import NOW, event, house, say
from voidtrail.errors import NotFound
from voidtrail.event.model import Kind, Result, Role, Tag
from voidtrail.event.reason import number
from voidtrail.runtime.show import show
from voidtrail.runtime.views import lives

CNY = {"currency": "CNY", "tag": Tag.OWN}


@pytest.fixture
def home(tmp_path):
    made = house(tmp_path)
    say(made, "storefront", "web",
        event("A1", Kind.ORDER, order="A1", role=Role.SHOP, amount_minor=1250, **CNY))  # fmt: skip
    say(made, "stripe", "main",
        event("pi_1", Kind.OPEN, names=("cs_1",), order="A1", amount_minor=1250, **CNY),
        event("pi_1", Kind.CANCEL, order="A1", occurred_at=NOW + 5, code="requested_by_customer",
              reason=number("customer_request")))  # fmt: skip
    say(made, "alipay", "main",
        event("t1", Kind.CAPTURE, order="A1", operation="c1", amount_minor=1250, **CNY),
        event("t1", Kind.REFUND, order="A1", operation="r1", amount_minor=250,
              occurred_at=NOW + 9, **CNY))  # fmt: skip
    yield made
    made.close()


def test_payment_is_told_with_its_proof_and_its_order(home):
    page = lives.payment(home, "stripe/main/pi_1")
    assert page.row.state == "cancelled"
    assert page.row.reference == "pi_1"
    assert page.row.order == "A1"
    assert page.names == ("stripe/main/pi_1", "stripe/main/cs_1")
    assert (page.rule, page.reason) == ("cancelled", "customer_request")
    assert page.switched
    assert not page.shadow
    assert not page.row.saveable
    (lane,) = page.lanes
    assert (lane.source, lane.role, lane.platform_zone) == ("stripe", "mover", "UTC")
    (proof,) = page.evidence
    proving = [said for said in lane.statements if said.event in proof.events]
    assert [said.kind for said in proving] == ["cancel"]
    assert proving[0].proves == (proof.column,)
    assert proving[0].occurred_at == NOW + 5
    assert {row.payment for row in page.others} == {"alipay/main/t1"}, (
        "what the shop said is no payment"
    )


def test_money_is_a_balance_that_ends_in_what_the_merchant_holds(home):
    legs = lives.payment(home, "t1").legs
    assert {leg.name: leg.amount.minor for leg in legs} == {
        "captured": 1250, "returned": 250, "net": 1000,
    }  # fmt: skip
    assert {leg.amount.currency for leg in legs} == {"CNY"}


def test_order_holds_all_of_its_payments_as_show_tells_them(home):
    for reference in ("A1", "order/default/A1", "cs_1", "r1"):
        page, told = lives.order(home, reference), show(home, reference)
        assert (page.order, page.shop) == ("A1", "default")
        assert (page.state, page.switched, page.double_paid) == (
            told["state"], told["switched"], told["double_paid"],
        )  # fmt: skip
        payments = sorted(told["payments"], key=lambda each: each["verdict"]["shadow"])
        assert [each.names[0] for each in page.payments] == [each["payment"] for each in payments]
        assert [each.shadow for each in page.payments] == [False, False, True]
        for each, other in zip(page.payments, payments, strict=True):
            assert each.rule == other["verdict"]["rule"]
            assert each.shadow == other["verdict"]["shadow"]
            assert sum(len(lane.statements) for lane in each.lanes) == len(other["events"])


def test_name_that_nobody_gave_or_several_have_is_refused(home):
    with pytest.raises(NotFound):
        lives.payment(home, "nothing")
    with pytest.raises(NotFound, match="3 payments; say which"):
        lives.payment(home, "A1")
    say(home, "stripe", "other", event("pi_1", Kind.OPEN, order="B1"), shop="s2")
    with pytest.raises(NotFound, match=r"2 orders.*order/default/A1.*order/s2/B1"):
        lives.order(home, "pi_1")


def test_notice_in_two_contents_is_shown_beside_its_first(home):
    first = event("p9", Kind.CAPTURE, operation="c9", amount_minor=100, **CNY)
    say(home, "stripe", "main", first, body=b"1")
    changed = event("p9", Kind.CAPTURE, operation="c9", amount_minor=900, **CNY)
    say(home, "stripe", "main", changed, body=b"2")
    (found,) = [each for each in lives.payment(home, "p9").contradictions if each.kind == "variant"]
    assert found.column == "amount"
    assert found.said == ("stripe/main capture succeeded 1.00 CNY",
                          "stripe/main capture succeeded 9.00 CNY")  # fmt: skip
    assert found.events == tuple(sorted(found.events))


def test_sources_that_disagree_are_named(home):
    said = {"scope": "stripe/main", "role": Role.SHOP}
    say(home, "stripe", "main", event("p8", Kind.CANCEL, amount_minor=None))
    say(home, "storefront", "web", event("p8", Kind.CAPTURE, amount_minor=500, **CNY, **said))
    say(home, "stripe", "main", event("p8", Kind.OPEN, Result.PENDING, amount_minor=700, **CNY))
    found = {each.kind: each for each in lives.payment(home, "p8").contradictions}
    assert set(found) == {"amount", "outcome"}
    assert {text.split()[0] for text in found["outcome"].said} == {"stripe/main", "storefront/web"}


def test_repetition_of_a_delivery_is_counted(home):
    again = event("p7", Kind.OPEN)
    for _ in range(3):
        say(home, "stripe", "main", again)
    (lane,) = lives.payment(home, "p7").lanes
    assert [said.repeats for said in lane.statements] == [2]
