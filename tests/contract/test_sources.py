"""Every registered source keeps the contract; genuine deliveries are signed by official SDKs."""

import pytest

from tests import signers
from voidtrail.event.account import Account
from voidtrail.event.model import Deed, Delivery, Verb, Via
from voidtrail.sources.registry import SOURCES
from voidtrail.testing import contract
from voidtrail.testing.platforms.registry import FAKES

NAMES = sorted(SOURCES)
GENUINE = {
    "stripe": lambda: signers.stripe(
        signers.stripe_body(
            "payment_intent.succeeded",
            {"id": "pi_1", "object": "payment_intent", "amount_received": 5, "currency": "eur"},
        )
    ),
    "alipay": lambda: signers.alipay(
        signers.alipay_form(
            {
                "trade_status": "TRADE_SUCCESS",
                "out_trade_no": "A1",
                "trade_no": "2025061522001",
                "total_amount": "12.30",
                "gmt_payment": "2025-06-15 23:06:39",
                "subject": "订单 + 1",
            }
        )
    ),
    "wechatpay": lambda: signers.wechatpay(
        signers.wechatpay_body(
            "TRANSACTION.SUCCESS",
            {
                "out_trade_no": "A1",
                "transaction_id": "42000",
                "trade_state": "SUCCESS",
                "amount": {"total": 1230, "currency": "CNY"},
            },
        )
    ),
}
FOREIGN_BODIES = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"{",
    b"{}",
    b"[]",
    b"null",
    b"=&=&=",
    b"%",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"a=" + b"%FF" * 999,
    b'{"id":"\\ud800"}',
    "订单".encode("gbk"),
)


OPTIONS = {
    "stripe": {"return_url": "https://shop.example/thanks"},
    "alipay": {"app_id": "2021"},
    "wechatpay": {"mchid": "190", "appid": "wx1", "notify_url": "https://shop.example/hooks"},
}
SECRETS = {
    "stripe": lambda: {"api_key": "sk_1"},
    "alipay": lambda: {"private_key": signers.private_pem(signers.rsa_key("merchant"))},
    "wechatpay": lambda: {
        "private_key": signers.private_pem(signers.rsa_key("merchant")),
        "serial_no": "7A",
    },
}
REFERENCES = {"stripe": "pi_1"}


def credentials(name):
    """Everything that a source can be told with: ours, or what its fake platform hands out."""
    if name in SECRETS or name not in FAKES:
        return OPTIONS.get(name, {}), SECRETS.get(name, dict)(), REFERENCES.get(name, "A1")
    fake = FAKES[name]()
    return dict(fake.options("https://psp.example")), fake.secrets(), fake.reference("A1")


@pytest.fixture(params=NAMES)
def source(request):
    return SOURCES[request.param]


def test_tables_are_complete(source):
    contract.check_tables(source)


def test_only_what_is_kept_is_acknowledged(source):
    contract.check_acknowledgements(source)


def test_question_needs_credentials(source):
    contract.check_query_needs_credentials(source, Account(source=source.NAME, name="main"))


def test_flags_say_which_deeds_a_source_can_do(source):
    options, secrets, reference = credentials(source.NAME)
    currency = FAKES[source.NAME].CURRENCY if source.NAME in FAKES else "CNY"
    deed = Deed(
        verb=Verb.CLOSE, payment=reference, key="k" * 32, operation="op_1", amount_minor=1230,
        currency=currency, order="A1", total_minor=1230,
    )  # fmt: skip
    account = Account(source=source.NAME, name="main", options=options)
    contract.check_deeds(source, account, signers.secrets(**secrets), deed)


@pytest.mark.parametrize("context", [f"act:{verb.value}" for verb in Verb])
def test_no_foreign_answer_to_a_deed_raises(source, context):
    for body in FOREIGN_BODIES:
        delivery = Delivery(
            source=source.NAME, account="main", received_at=1, body=body, via=Via.ASKED,
            request="p", context=context,
        )  # fmt: skip
        contract.check_translation(source, delivery, Account(source=source.NAME, name="main"), {})


@pytest.mark.parametrize("body", FOREIGN_BODIES, ids=lambda body: repr(body[:12]))
@pytest.mark.parametrize("via", [Via.PUSH, Via.ASKED])
def test_no_foreign_body_raises(source, via, body):
    delivery = Delivery(
        source=source.NAME, account="main", received_at=1, body=body, via=via, request="p"
    )
    contract.check_translation(source, delivery, Account(source=source.NAME, name="main"), {})


@pytest.mark.parametrize("name", sorted(GENUINE))
def test_genuine_is_accepted_and_its_forgeries_are_refused(name):
    account = Account(source=name, name="main")
    contract.check_genuine(SOURCES[name], GENUINE[name](), account)


def test_registry_names_each_source_as_it_calls_itself():
    assert {name: source.NAME for name, source in SOURCES.items()} == {name: name for name in NAMES}
    assert {"stripe", "alipay", "wechatpay"} <= set(NAMES)
