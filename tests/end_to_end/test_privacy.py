"""Canaries: cards, people and secrets go in through every door, and stand nowhere in clear."""

import json
import time
from urllib.parse import quote

import pytest

from tests import signers
from tests.end_to_end.house import (
    API_TOKEN,
    STOREFRONT_KEY,
    STRIPE_SECRET,
    Served,
    all_accounts,
    until,
)
from voidtrail.event.account import Secret
from voidtrail.sources import storefront

CARD, CARD_SPACED, CARD_WIDE = (
    "4242424242424242",
    "5555 5555 5555 4444",
    "３７８２８２２４６３１０００５",
)
PEOPLE = ("canary.person@example.org", "Canaria Testperson", "13900139000", "Canarystraat 77",
          "旅人甲乙丙丁")  # fmt: skip
CUSTOMER = "cus_CanaryCustomer01"
OPENID = "oCanaryOpenId99887766"
SECRETS = (STRIPE_SECRET, STOREFRONT_KEY, API_TOKEN, signers.API_V3_KEY)
CARDS = (CARD, CARD_SPACED, CARD_WIDE, "5555555555554444", "378282246310005")
EVERYTHING = (*CARDS, *PEOPLE, CUSTOMER, OPENID, *SECRETS, "canary-cookie", "canary-header")
PERSON = {"email": PEOPLE[0], "name": PEOPLE[1], "phone": PEOPLE[2], "address": PEOPLE[3]}


def charge(kind="charge.failed", **more):
    return signers.stripe_body(kind, {
        "id": "ch_canary1", "object": "charge", "amount": 4200, "currency": "usd",
        "payment_intent": "pi_canary1", "status": "failed", "customer": CUSTOMER,
        "billing_details": PERSON, "receipt_email": PEOPLE[0],
        "description": f"card {CARD_SPACED} or {CARD_WIDE}, for {PEOPLE[4]}",
        "failure_code": "card_declined",
        "failure_message": f"{CARD} {PEOPLE[1]}",
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "country": CARD}},
        "metadata": {"order_id": "O-canary", "card": CARD, "who": PEOPLE[0]}, **more,
    }, created=int(time.time()))  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("canaries")
    vault = folder / "secrets"
    vault.mkdir(mode=0o700)
    (vault / "token").write_text(API_TOKEN)
    server = Served(folder, all_accounts(), server={"api_token": "file:secrets/token"},
                    worker={"tick_s": 0.3})  # fmt: skip
    with server:
        sing(server)
        until(lambda: server.rows("SELECT 1 FROM control WHERE kind = 'refused'"), 10)
        yield server


def sing(server):
    """Put canaries through every door, understood, unreadable, refused and misdirected."""
    headers = [("X-Note", "canary-header " + CARD), ("Cookie", "canary-cookie"),
               ("Authorization", f"Bearer {API_TOKEN}")]  # fmt: skip
    for body in (
        charge(), charge(amount=CARD, currency=PEOPLE[0]), charge(kind=f"card.{CARD}"),
        b'{"%s": %s' % (PEOPLE[0].encode(), CARD.encode()),
        json.dumps({"type": CARD, "data": PEOPLE[0], "id": {PEOPLE[1]: CARD}}).encode(),
    ):  # fmt: skip
        now = int(time.time())
        signed = ("Stripe-Signature", signers.stripe_header(body, STRIPE_SECRET, now))
        assert server.post("/hooks/stripe/main", body, [signed, *headers])[0] == 200
        forged = ("Stripe-Signature", f"t={now},v1={CARD}{PEOPLE[0]}")
        assert server.post("/hooks/stripe/main", body, [forged, *headers])[0] == 401
        path = f"/hooks/stripe/{quote(PEOPLE[0])}-{CARD}?token={API_TOKEN}"
        assert server.post(path, body, headers)[0] == 404
    form = {"notify_id": "n-canary", "notify_time": "2026-03-17 12:00:00",
            "notify_type": "trade_status_sync", "trade_status": "WAIT_BUYER_PAY",
            "out_trade_no": "A-canary", "trade_no": "2026031722001400000000000001",
            "total_amount": "10.00", "buyer_logon_id": PEOPLE[0], "buyer_id": CUSTOMER,
            "subject": f"{PEOPLE[4]} {CARD}", "body": PEOPLE[3]}  # fmt: skip
    assert server.post("/hooks/alipay/main", signers.alipay_form(form), headers)[0] == 200
    plain = {"mchid": "1900000001", "appid": "wx1", "out_trade_no": "W-canary",
             "transaction_id": "4200002026", "trade_state": "SUCCESS",
             "success_time": "2026-03-17T12:00:00+08:00", "attach": f"{PEOPLE[1]} {CARD}",
             "payer": {"openid": OPENID}, "amount": {"total": 1000, "currency": "CNY"}}  # fmt: skip
    body = signers.wechatpay_body("TRANSACTION.SUCCESS", plain)
    signed = signers.wechatpay_headers(body, at_s=int(time.time()))
    assert server.post("/hooks/wechatpay/main", body, [*signed, *headers])[0] == 200
    said = {"id": "s1", "statement": "order_placed", "order": "O-canary", "customer": CUSTOMER,
            "amount_minor": 4200, "currency": "USD",
            "dimensions": {"card": CARD, "campaign": "spring"}}  # fmt: skip
    for statement in (said, {**said, "id": "s2", "at": f"{CARD} {PEOPLE[0]}"}):
        body = json.dumps(statement).encode()
        sign = storefront.sign(Secret(STOREFRONT_KEY), body, int(time.time()))
        status = server.post("/hooks/storefront/main", body,
                             [("Voidtrail-Signature", sign), *headers])[0]  # fmt: skip
        assert status == 200


def forms(text):
    """Yield the bytes under which a text could stand somewhere."""
    yield text.encode()
    yield json.dumps(text)[1:-1].encode()
    yield quote(text).encode()
    yield text.encode("gb18030")
    yield text.encode("utf-16-le")


def found_in(data, canaries=EVERYTHING):
    return sorted({canary for canary in canaries for form in forms(canary) if form in data})


def test_no_canary_stands_in_the_files_of_the_ledger(server):
    files = [file for file in server.folder.glob("v.db*") if file.suffix != ".key"]
    assert {file.name for file in files} >= {"v.db", "v.db-wal"}
    assert sum(file.stat().st_size for file in files) > 100_000
    for file in files:
        assert not found_in(file.read_bytes()), file.name


def test_no_canary_stands_in_the_log(server):
    logged = server.log.read_bytes()
    assert b"delivery_refused" in logged
    assert not found_in(logged)


@pytest.mark.parametrize("path", [
    "/metrics", "/api/report", "/api/report?by=shop", "/api/quarantine", "/api/conflicts",
    "/api/head", "/api/orders/O-canary", "/api/orders/pi_canary1", "/api/orders/W-canary",
    "/api/orders/A-canary", "/api/schema/openapi.json",
])  # fmt: skip
def test_no_canary_comes_out_of_the_api(server, path):
    status, _, body = server.get(path)
    assert status == 200, body
    assert not found_in(body)


@pytest.mark.parametrize("path", [f"/api/orders/{CARD}", "/api/report?since=" + PEOPLE[0],
                                  f"/api/report?by={CARD}", f"/api/quarantine?after={PEOPLE[0]}",
                                  f"/api/{API_TOKEN}"])  # fmt: skip
def test_wrong_questions_are_refused_and_not_logged(server, path):
    status, _, body = server.get(path)
    assert status in (400, 404)
    assert json.loads(body)
    assert not found_in(server.log.read_bytes())


def test_refusals_stand_on_record_by_count_alone(server):
    rows = server.rows("SELECT body FROM control WHERE kind = 'refused'")
    for (body,) in rows:
        for one in json.loads(body):
            assert set(one) == {"account_no", "code", "count"}


def test_quarantine_says_where_and_why_without_saying_what(server):
    found = server.json("/api/quarantine")["deliveries"]
    assert len(found) >= 4
    assert all(one["why"] for one in found)


# ------------------------------------------------------------------------------- who may read


def test_this_machine_may_read_without_a_token(server):
    assert server.get("/api/head")[0] == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_forwarded_request_may_not_read_without_a_token(server, header):
    for path in ("/api/head", "/metrics", "/api/report", "/api/orders/O-canary"):
        assert server.get(path, [(header, "127.0.0.1")])[0] == 401, path


def test_token_lets_a_forwarded_request_read(server):
    forwarded = ("X-Forwarded-For", "203.0.113.9")
    bearer = ("Authorization", f"Bearer {API_TOKEN}")
    assert server.get("/api/head", [forwarded, bearer])[0] == 200
    for wrong in ("Bearer nonsense", f"Bearer {API_TOKEN}x", "Bearer ", "Bearer é"):
        assert server.get("/api/head", [forwarded, ("Authorization", wrong)])[0] == 401, wrong
    assert server.get("/api/head", [("Authorization", "Bearer nonsense")])[0] == 401


def test_health_is_public_and_says_nothing_else(server):
    for path, said in (("/healthz", b"ok"), ("/readyz", b"ready")):
        assert server.get(path, [("X-Forwarded-For", "203.0.113.9")])[0::2] == (200, said)


def test_openapi_document_is_whole(server):
    document = server.json("/api/schema/openapi.json")
    assert document["openapi"].startswith("3.")
    assert document["info"]["title"] == "Voidtrail"
    paths = {"/api/report", "/api/orders/{reference}", "/api/quarantine", "/api/conflicts",
             "/api/head", "/healthz", "/readyz", "/metrics"}  # fmt: skip
    assert paths <= set(document["paths"])
    operations = [each for path in document["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]
    assert len(names) == len(set(names))
    for each in operations:
        assert each["summary"]
        assert each["responses"]

    def references(value):
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for inner in value.values():
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    for reference in references(document):
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step.replace("~1", "/").replace("~0", "~")]


# -------------------------------------------------------------------------------- test traffic


def test_test_traffic_enters_no_live_number_and_is_told_to_nobody(tmp_path):
    now = int(time.time())

    def cancelled(name, live):
        intent = {"id": name, "object": "payment_intent", "amount": 5000, "currency": "usd",
                  "status": "canceled", "cancellation_reason": "requested_by_customer",
                  "canceled_at": now, "metadata": {"order_id": f"O-{name}"}}  # fmt: skip
        return signers.stripe_body("payment_intent.canceled", intent, livemode=live,
                                   created=now, event_id=f"evt_{name}")  # fmt: skip

    with Served(tmp_path, all_accounts(), worker={"tick_s": 0.3}) as server:
        assert server.stripe(cancelled("pi_live", True))[0] == 200
        assert server.stripe(cancelled("pi_mode", False))[0] == 200
        assert server.stripe(cancelled("pi_box", True), "sandbox")[0] == 200
        assert server.stripe(cancelled("pi_boxtest", False), "sandbox")[0] == 200
        live, both = server.json("/api/report"), server.json("/api/report?test=true")
        assert (live["payments"], live["cancelled"]) == (1, 1)
        assert (both["payments"], both["cancelled"]) == (4, 4)
        until(lambda: not any(server.json("/api/head")["waiting"].values()), 10)
        told = server.rows(
            "SELECT n.text, o.quiet FROM outbox o JOIN name n ON n.payment_id = o.payment_id"
        )
        loud = {text for text, quiet in told if not quiet}
        assert loud == {"stripe/main/pi_live"}
        lines = [json.loads(line) for line in server.logged().splitlines() if "verdicts_" in line]
        assert sum(line["notices"] for line in lines) == len(told)
        assert sum(line["quiet"] for line in lines) == sum(bool(quiet) for _, quiet in told)
