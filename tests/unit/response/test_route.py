"""When a route fires, and what is said about one that cannot be meant."""

import pytest

from tests.unit.response.told import CANCELLED, FAILED, GAVE_UP, OPEN, PAID, news, route
from voidtrail.response.news import Standing
from voidtrail.response.route import Step, faults, fires

KNOWN = {"to": ("duty", "lead"), "rail": ("alipay",), "shop": ("downtown",), "entity": ("default",)}
HELD = Standing("cancelled", "expired", "platform", "held")


@pytest.mark.parametrize(
    ("conditions", "change"),
    [
        ({}, news(1)),
        ({}, news(1, FAILED)),
        ({"state": ("paid",), "was": ("cancelled",)}, news(1, PAID, before=CANCELLED)),
        ({"how": ("customer_cancelled",), "actor": ("customer",)}, news(1)),
        ({"money": ("held",)}, news(1, HELD)),
        ({"money": ("held",)}, news(1, HELD, before=HELD._replace(money="none"))),
        ({"rail": ("alipay",), "shop": ("downtown",), "entity": ("default",)}, news(1)),
        ({"method": ("wechat_qr",)}, news(1, method="wechat_qr")),
        ({"tags": {"tier": ("gold", "black")}}, news(1, tags={"tier": "gold", "city": "沪"})),
        ({"at_least": {"CNY": 1000}, "below": {"CNY": 1001}}, news(1)),
        ({"at_least": {"CNY": 99_999, "JPY": 1}}, news(1, currency="JPY")),
        ({"switched": True}, news(1, switched=True)),
        ({"test": True}, news(1, test=True)),
    ],
)
def test_a_route_fires_when_all_conditions_hold(conditions, change):
    assert fires(route(**conditions), change)


@pytest.mark.parametrize(
    ("conditions", "change"),
    [
        ({}, news(1, PAID)),
        ({}, news(1, OPEN, before=FAILED)),
        ({}, news(1, before=CANCELLED)),
        ({}, news(1, GAVE_UP, before=FAILED)),
        ({}, news(1, switched=True)),
        ({}, news(1, test=True)),
        ({}, news(1, history=True)),
        ({"test": True}, news(1)),
        ({"test": True}, news(1, test=True, history=True)),
        ({"state": ("cancelled",)}, news(1, FAILED)),
        ({"was": ("paid",)}, news(1)),
        ({"was": ("paid",)}, news(1, before=None)),
        ({"how": ("expired",)}, news(1)),
        ({"actor": ("merchant",)}, news(1)),
        ({"rail": ("stripe",)}, news(1)),
        ({"shop": ("airport",)}, news(1)),
        ({"method": ("wechat_qr",)}, news(1)),
        ({"tags": {"tier": ("gold",)}}, news(1)),
        ({"at_least": {"CNY": 1001}}, news(1)),
        ({"below": {"CNY": 1000}}, news(1)),
        ({"at_least": {"CNY": 0}}, news(1, currency="USD")),
        ({"below": {"CNY": 9999}}, news(1, currency="USD")),
        ({"at_least": {"CNY": 0}}, news(1, amount_minor=None)),
    ],
)
def test_a_route_is_silent_if_one_condition_does_not_hold(conditions, change):
    assert not fires(route(**conditions), change)


def test_a_good_route_has_no_fault():
    good = route(escalate=(Step(300, ("lead",)), Step(900, ("lead", "duty"))), how=("abandoned",),
                 at_least={"CNY": 5}, below={"CNY": 6})  # fmt: skip
    assert list(faults([good], KNOWN)) == []


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"name": ""}, "name", "empty"),
        ({"to": ()}, "to", "nobody"),
        ({"to": ("dutty",)}, "to", "did you mean duty?"),
        ({"rail": ("alipai",)}, "rail", "did you mean alipay?"),
        ({"shop": ("downtow",)}, "shop", "did you mean downtown?"),
        ({"entity": ("x",)}, "entity", "known: default"),
        ({"how": ("abandond",)}, "how", "did you mean abandoned?"),
        ({"state": ("gone",)}, "state", "not a value"),
        ({"was": ("gone",)}, "was", "not a value"),
        ({"actor": ("custmer",)}, "actor", "customer"),
        ({"money": ("hold",)}, "money", "held"),
        ({"method": ("wechatqr",)}, "method", "wechat_qr"),
        ({"hours": "night"}, "hours", "always"),
        ({"send": "later"}, "send", "at_once"),
        ({"at_least": {"XXQ": 5}}, "at_least", "ISO 4217"),
        ({"below": {"CNY": -1}}, "below", "below 0"),
        ({"at_least": {"CNY": 5}, "below": {"CNY": 5}}, "below", "nothing lies"),
        ({"escalate": (Step(300, ("lead",)), Step(300, ("lead",)))}, "escalate", "step 2"),
        ({"escalate": (Step(300, ()),)}, "escalate", "names nobody"),
        ({"escalate": (Step(300, ("head",)),)}, "escalate", "lead"),
        ({"escalate": (Step(300, ("lead",)),), "send": "digest"}, "escalate", "at_once"),
    ],
)
def test_what_cannot_be_meant_is_said_by_field(changes, field, said):
    (fault,) = faults([route()._replace(**changes)], KNOWN)
    assert (fault.field, said in fault.why) == (field, True), fault


def test_two_routes_of_one_name_are_refused():
    assert {fault.field for fault in faults([route(), route()], KNOWN)} == {"name"}
