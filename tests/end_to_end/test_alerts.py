"""Alerts from a signed delivery to the receiver's door: a real server, real sockets, real mail."""

import json
import re
import signal
import sys
import time
from collections import Counter

import pytest

from tests import signers
from tests.end_to_end.house import Served, evidence, stripe_account, until
from tests.end_to_end.receivers import DINGTALK_SECRET, TOKENS, Receivers

PERSONAL = ("Mei Zhang", "mei@example.org", "+8613800000000")
NATIVE = ("mail", "hook")
"""Channels whose address already says where the receiver is."""


def called_off(order, amount=65_000, *, why="requested_by_customer", live=True):
    """A signed-for notice of Stripe that a payment was called off, with a person in it."""
    now = int(time.time())
    intent = {"id": f"pi_{order}", "object": "payment_intent", "amount": amount, "currency": "cny",
              "status": "canceled", "cancellation_reason": why, "canceled_at": now,
              "metadata": {"order_id": order}, "receipt_email": PERSONAL[1],
              "shipping": {"name": PERSONAL[0], "phone": PERSONAL[2]}}  # fmt: skip
    return signers.stripe_body("payment_intent.canceled", intent, livemode=live, created=now,
                               event_id=f"evt_{order}")  # fmt: skip


class Alerting(Served):
    """A server whose channels lead to receivers on loopback."""

    def __init__(self, folder, receivers, routes, channels=None, accounts=None):
        options = {"options": {"order_field": "order_id"}, "shop": "downtown"}
        super().__init__(
            folder, accounts or [stripe_account(**options)], worker={"tick_s": 0.2}
        )  # fmt: skip
        self.receivers, lines = receivers, []
        for name, address in receivers.addresses().items():
            if channels is not None and name not in channels:
                continue
            file = self.folder / "secrets" / f"channel-{name}"
            file.touch(mode=0o600)
            file.write_text(address, "utf-8")
            lines += ["[[channel]]", f'name = "{name}"', 'language = "zh_CN"',
                      f'address = "file:secrets/{file.name}"']  # fmt: skip
            if name not in NATIVE:
                lines.append(f'server = "{receivers.base}"')
        with self.config.open("a", encoding="utf-8") as config:
            config.write("\n" + "\n".join(lines) + "\n" + routes)

    def send(self, body, account="main"):
        """Deliver and return when that was acknowledged."""
        assert self.stripe(body, account)[0] == 200
        return time.time()

    def incidents(self):
        """What `voidtrail alerts list` shows, read beside the server."""
        from voidtrail.runtime.notify.reading import incidents
        from voidtrail.runtime.opening import reader
        from voidtrail.runtime.settings import load

        house = reader(load(self.config, {}))
        try:
            return incidents(house)
        finally:
            house.close()


@pytest.fixture
def receivers():
    with Receivers() as found:
        yield found


def all_to(*names):
    return f'\n[alerts]\nown_max = 1000\n[[route]]\nname = "all"\neach = true\nto = {list(names)}\n'


@pytest.mark.slow
def test_every_channel_gets_every_alert_once_within_a_second(tmp_path, receivers):
    names = list(receivers.addresses())
    acknowledged = {}
    with Alerting(tmp_path, receivers, all_to(*names)) as server:
        server.send(called_off("O-WARM"))
        until(lambda: len(receivers.inbox.got) == len(names))
        for number in range(60):
            order = f"O-{number:03d}"
            acknowledged[order] = server.send(called_off(order))
            time.sleep(0.2)
        until(lambda: len(receivers.inbox.got) >= 61 * len(names), 60)
        time.sleep(0.5)
        logged = server.logged()
    took, seen = [], Counter()
    for got in receivers.inbox.got:
        (order,) = re.findall(r"O-\w+", got.text)
        seen[got.channel, order] += 1
        assert "¥650.00" in got.text
        assert "downtown" in got.text
        assert "顾客取消" in got.text
        assert not any(word in got.text + json.dumps(got.body) for word in PERSONAL)
        if got.channel in NATIVE:
            assert got.headers["Idempotency-Key"] in got.text
        if order in acknowledged:
            took.append(got.at - acknowledged[order])
    assert set(seen.values()) == {1}, "nobody is told twice"
    assert len(seen) == 61 * len(names)
    took.sort()
    figures = {"messages": len(took), "p50_s": took[len(took) // 2],
               "p99_s": took[int(len(took) * 0.99)], "max_s": took[-1]}  # fmt: skip
    shown = ", ".join(f"{name} {value:.3g}" for name, value in figures.items())
    sys.stdout.write(f"\nacknowledgement to receipt, {len(names)} channels: {shown}\n")
    evidence("alerts_latency", **figures)
    assert not any(word in logged for word in (*TOKENS.values(), DINGTALK_SECRET))


@pytest.mark.slow
def test_a_kill_in_mid_send_loses_none_and_repeats_at_most_the_one_in_flight(tmp_path, receivers):
    inbox, kills = receivers.inbox, 4
    inbox.answers["hook"] = [(200, "{}", 0.4)] * 12
    server = Alerting(tmp_path, receivers, all_to("hook"), channels=["hook"])
    server.up()
    orders = [f"O-{number:03d}" for number in range(12)]
    for order in orders:
        server.send(called_off(order))
    for kill in range(kills):
        until(lambda: len(inbox.of("hook")) > 2 * kill)  # noqa: B023
        time.sleep(0.1)  # it has the message, and has not said so yet
        server.down(signal.SIGKILL)
        server.up()
    until(lambda: {o for t in inbox.texts("hook") for o in re.findall(r"O-\w+", t)} == set(orders))
    until(lambda: server.rows("SELECT count(*) FROM message WHERE state <> 2") == [(0,)])
    server.down()
    keys = Counter(got.headers["Idempotency-Key"] for got in inbox.of("hook"))
    assert len(keys) == len(orders)
    repeated = sum(keys.values()) - len(orders)
    sys.stdout.write(f"\n{kills} kills: {len(orders)} messages, {repeated} repeated\n")
    assert 1 <= repeated <= kills
    server.audit()


def test_a_refusal_behind_a_200_is_heard_and_tried_again(tmp_path, receivers):
    inbox = receivers.inbox
    inbox.answers["dingtalk"] = [(200, '{"errcode":130101,"errmsg":"send too fast"}', 0)]
    inbox.answers["feishu"] = [(200, '{"code":11232,"msg":"frequency limited"}', 0)]
    inbox.answers["wecom"] = [(200, '{"errcode":45009,"errmsg":"api freq out of limit"}', 0)]
    inbox.answers["slack"] = [(429, "slow", 0)]
    names = ["dingtalk", "feishu", "wecom", "slack"]
    with Alerting(tmp_path, receivers, all_to(*names), channels=names) as server:
        server.send(called_off("O-1"))

        def why():
            return dict(server.rows("SELECT target, last_error FROM message WHERE tries = 1"))

        until(lambda: len(why()) == 4)
        assert why() == {
            "dingtalk": "refused: errcode 130101 send too fast",
            "feishu": "refused: code 11232 frequency limited",
            "wecom": "refused: errcode 45009 api freq out of limit",
            "slack": "answered 429",
        }
        until(lambda: len(inbox.got) == 4)
        until(lambda: {r.arrival for r in server.incidents()[0].told} == {"arrived"})
    assert {got.channel for got in inbox.got} == set(names)


ESCALATING = """
[[route]]
name = "duty"
to = ["hook"]
[[route.escalate]]
after_s = 2
to = ["slack"]
"""


def test_a_link_acknowledges_and_stops_the_escalation(tmp_path, receivers):
    inbox = receivers.inbox
    with Alerting(tmp_path, receivers, ESCALATING, channels=["hook", "slack"]) as server:
        server.send(called_off("O-1"))
        until(lambda: inbox.texts("hook"))
        link = re.search(r"http\S+/acknowledge/\S+", inbox.texts("hook")[0])[0]
        path = link.removeprefix(server.address)
        status, headers, page = server.get(path)
        assert (status, server.incidents()[0].acknowledged_by) == (200, ""), "opening is no answer"
        assert "script-src 'self'" in headers["content-security-policy"]
        assert b"<form" in page
        assert server.post(path.replace("/acknowledge/1/", "/acknowledge/1/0"), b"")[0] == 403
        assert server.post(path.replace("by=hook", "by=slack"), b"")[0] == 403
        assert server.incidents()[0].acknowledged_by == ""
        assert server.post(path, b"")[0] == 200
        assert server.incidents()[0].acknowledged_by == "hook"
        server.send(called_off("O-2", why="abandoned"))
        until(lambda: inbox.texts("slack"), 10)
        time.sleep(1)
        escalated = inbox.texts("slack")
    assert len(escalated) == 1
    assert "O-2" in escalated[0]
    assert "无人确认" in escalated[0]
    server.audit()


def test_test_traffic_goes_to_the_test_route_only(tmp_path, receivers):
    routes = '\n[[route]]\nname = "live"\nto = ["slack"]\n'
    routes += '\n[[route]]\nname = "try"\nto = ["hook"]\ntest = true\n'
    accounts = [stripe_account(), stripe_account("sandbox", mode="test")]
    with Alerting(tmp_path, receivers, routes, ["hook", "slack"], accounts) as server:
        server.send(called_off("O-1", live=False))
        server.send(called_off("O-2", live=True), "sandbox")
        until(lambda: receivers.inbox.texts("hook"))
        server.send(called_off("O-3", why="abandoned"))
        until(lambda: receivers.inbox.texts("slack"))
        time.sleep(0.5)
    assert all("[测试]" in text for text in receivers.inbox.texts("hook"))
    (live,) = receivers.inbox.texts("slack")
    assert "O-3" in live
    assert "测试" not in live
