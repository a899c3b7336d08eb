"""Every registered source keeps the contract; genuine deliveries are signed by official SDKs."""

import pytest

from tests import signers
from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Via
from voidtrail.sources.registry import SOURCES
from voidtrail.testing import contract

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


@pytest.fixture(params=NAMES)
def source(request):
    return SOURCES[request.param]


def test_tables_are_complete(source):
    contract.check_tables(source)


def test_only_what_is_kept_is_acknowledged(source):
    contract.check_acknowledgements(source)


def test_question_needs_credentials(source):
    contract.check_query_needs_credentials(source, Account(source=source.NAME, name="main"))


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
