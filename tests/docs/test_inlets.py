"""The pages on terminals and logs: a server set up as they say hears what they promise."""

import asyncio
import json
import re
import time

import pytest

from tests.docs.pages import blocks, page
from tests.end_to_end.house import HOST, Served, free_port, until
from voidtrail.testing.platforms.fake import Situation
from voidtrail.testing.platforms.pos import FakePos

ACCESS = (
    '1.2.3.4 - - [{at}] "POST /pay/notify?trade_no=T-7 HTTP/1.1" 502 5 "-" "curl" rt=0.2\n'
    '1.2.3.4 - - [{at}] "GET /pay/cashier HTTP/1.1" 200 5 "-" "curl" rt=9.5\n'
    '1.2.3.4 - - [{at}] "GET /index.html HTTP/1.1" 500 5 "-" "curl" rt=0.1\n'
)
APP = "2026-03-01 10:00:00 gateway order=A2002 state=CANCELLED\n"


def settings(name):
    return "\n".join(blocks(page(f"docs/how-to/{name}.md"), "toml"))


@pytest.mark.timeout(120)
def test_pages_on_terminals_and_logs(tmp_path):
    server, port = Served(tmp_path, environment={"POS_CARD_KEY": "any long text"}), free_port()
    text = settings("connect-pos").replace("port = 8583", f"port = {port}")
    logs = settings("tail-logs").replace("/var/log/nginx/", f"{tmp_path}/")
    logs = re.sub(r"/var/log/pay/", f"{tmp_path}/", logs)
    with server.config.open("a", encoding="utf-8") as config:
        config.write(f"\n{text}\n{logs}")
    for name in ("pay.log", "app-1.log"):
        (tmp_path / name).write_text("what stood there before\n")
    fake = FakePos(seed=3)
    with server:
        fake.play(Situation.MERCHANT_VOIDED, "A1001", 12_30, time.time_ns() // 1000 - 300_000_000)
        assert asyncio.run(fake.send(HOST, port)) == 4
        at = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
        until(lambda: server.rows("SELECT count(*) FROM place") == [(3,)])
        with (tmp_path / "pay.log").open("a") as log:
            log.write(ACCESS.format(at=at))
        with (tmp_path / "app-1.log").open("a") as log:
            log.write(APP)

        def state(order):
            status, _, body = server.get(f"/api/orders/{order}")
            return json.loads(body).get("state") if status == 200 else None

        until(lambda: state("A1001") == "cancelled")
        until(lambda: state("A2002") == "cancelled")
        named = "SELECT count(*) FROM name WHERE text = 'alipay/main/T-7'"
        until(lambda: server.rows(named) == [(1,)])
        metrics = server.get("/metrics")[2].decode()
        assert 'voidtrail_logs_total{what="observed"} 1.0' in metrics
        assert 'voidtrail_logs_total{what="statements"} 2.0' in metrics
        assert 'voidtrail_terminals_total{what="messages"} 4.0' in metrics
        assert server.down() == 0
    assert server.rows("SELECT count(*) FROM delivery") == [(6,)]
    server.audit()
