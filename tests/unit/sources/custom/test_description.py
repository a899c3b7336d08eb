"""A description is refused by the field that is wrong, with the nearest name that there is."""

import contextlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.sources.described import FACTS, HMAC
from voidtrail.errors import SettingInvalid, SettingUnknown, WrongUse
from voidtrail.sources.custom.description import parse_description, words_of

WHOLE = HMAC + FACTS
KEYS = (
    ('title = "Test"', 'titel = "Test"', "titel", "title"),
    ("algorithm =", "algoritm =", "signature.algoritm", "algorithm"),
    ('status = "status"', 'staus = "status"', "fields.staus", "status"),
    ('result = "SUCCEEDED" }', 'reslt = "SUCCEEDED" }', 'status."PAID".reslt', "result"),
)
VALUES = (
    ('"hmac-sha256"', '"hmac-md5"', "signature.algorithm"),
    ('"hmac-sha256"', '"hmac-sha265"', 'did you mean "hmac-sha256"?'),
    ('algorithm = "hmac-sha256", ', "", "signature.algorithm"),
    ('"{body}"', '"constant"', "signature.text: nothing of the delivery is signed"),
    ('"{body}"', '"{body"', "signature.text"),
    ('"{body}"', '"{}{body}"', "signature.text"),
    ('"{body}"', '"{body}{headr:X}"', "signature.text: 'headr' is no kind of place"),
    ('"{body}"', '"{fields}", sort = false', "signature.order"),
    ('"{body}"', '"{fields}", order = ["a"]', "signature.order"),
    ('"hmac-sha256"', '"md5"', "signature.text: md5 proves nothing without {secret}"),
    ('"{body}"', '"{body}{timestamp}"', "timestamp.at"),
    ('"header:X-Sign"', '""', "signature.at"),
    ('"header:X-Sign"', '"header:"', "signature.at"),
    ('"header:X-Sign"', '"heder:X-Sign"', 'did you mean "header"'),
    ('kind = "CAPTURE"', 'kind = "CAPTURED"', "status.\"PAID\".kind: 'CAPTURED' is not known"),
    ('kind = "CAPTURE"', 'kind = "LINK"', 'status."PAID".kind'),
    ('result = "SUCCEEDED" }', 'result = "OK" }', 'status."PAID".result'),
    ('"closed_unpaid"', '"closed_unpayed"', 'did you mean "closed_unpaid"'),
    ('kind = "CAPTURE"', 'kind = "REVERSE"', 'status."PAID".reverses'),
    ('kind = "CAPTURE"', 'reverses = "refund", kind = "CAPTURE"', 'status."PAID".reverses'),
    ('currency = "CNY"', 'currency = "RMB"', "currency"),
    ('currency = "CNY"', "", "currency: amounts need one"),
    ('currency = "CNY"', 'currency = "CNY"\nzone = "Asia/Shangai"', "zone"),
    ('currency = "CNY"', 'currency = "CNY"\nzone = "../x"', "zone"),
    ('currency = "CNY"', 'currency = "CNY"\nmethod = "wechatqr"', 'did you mean "wechat_qr"'),
    ('currency = "CNY"', 'currency = "CNY"\nchannel = "x"', "channel"),
    ('currency = "CNY"', 'currency = "CNY"\ncharset = "latin-1"', "charset"),
    ('currency = "CNY"', 'currency = "CNY"\nversion = 0', "version"),
    ('currency = "CNY"', 'currency = "CNY"\namount_unit = "cents"', "amount_unit"),
    ('currency = "CNY"', 'currency = "CNY"\nacknowledge = { status = 500 }', "acknowledge.status"),
    (
        'currency = "CNY"',
        'currency = "CNY"\nacknowledge = { body = "OK", refused = "OK" }',
        "acknowledge.refused",
    ),
    ('currency = "CNY"', 'currency = "CNY"\nreasons = { A = "B" }', 'reasons."A"'),
    (
        'currency = "CNY"',
        'currency = "CNY"\ntimestamp = { at = "header:T" }',
        "timestamp.at: it is not signed",
    ),
    (
        'currency = "CNY"',
        'currency = "CNY"\ntimestamp = { at = "time", window_s = 0 }',
        "timestamp.window_s",
    ),
    ('payment = "trade_no"', 'payment = ""', "fields.payment"),
    ('payment = "trade_no"', "payment = 7", "fields.payment"),
    ('payment = "trade_no"', "", "fields"),
    ('currency = "CNY"', 'currency = "CNY"\nbody = "form"', None),
    ('"trade_no"', '"/a/b"\ncustomer = "x"', None),
)


@pytest.mark.parametrize(("was", "now", "path", "near"), KEYS)
def test_an_unknown_key_is_refused_by_its_path_with_the_nearest(was, now, path, near):
    assert was in WHOLE
    message = f'{path}: there is no such key; did you mean "{near}"?'
    with pytest.raises(SettingUnknown, match=re.escape(message)):
        parse_description(WHOLE.replace(was, now, 1))


@pytest.mark.parametrize(("was", "now", "told"), VALUES)
def test_a_value_that_cannot_be_used_is_refused_by_its_path(was, now, told):
    assert was in WHOLE
    text = WHOLE.replace(was, now, 1)
    if told is None:
        assert parse_description(text) is not None
        return
    with pytest.raises(SettingInvalid, match=re.escape(told)):
        parse_description(text)


def test_a_pointer_into_a_form_is_refused():
    text = "body = 'form'\n" + WHOLE.replace('"trade_no"', '"/a/b"')
    with pytest.raises(SettingInvalid, match=r"fields\.payment: '/a/b' is a JSON pointer"):
        parse_description(text)


def test_rsa_knows_no_shared_secret():
    text = WHOLE.replace("hmac-sha256", "rsa-sha256").replace("{body}", "{body}{secret}")
    with pytest.raises(SettingInvalid, match=r"signature\.text: RSA"):
        parse_description(text)


def test_what_is_no_toml_is_refused():
    with pytest.raises(SettingInvalid, match="not valid TOML"):
        parse_description("title =")


def test_words_of_a_signed_text_keep_what_stands_between():
    assert words_of("{{{timestamp}.{header:X-A#b}}}\n") == (
        ("{", ""), ("", "timestamp"), (".", "header:X-A#b"), ("}", ""), ("\n", ""),
    )  # fmt: skip


@settings(max_examples=100)
@given(st.data())
def test_no_broken_description_raises_anything_else(data):
    at = data.draw(st.integers(0, len(WHOLE) - 1))
    length = data.draw(st.integers(0, 12))
    put = data.draw(st.sampled_from(["", '"', "{", "[", "=", "\n", "x", "1", "}", "]]"]))
    with contextlib.suppress(WrongUse):
        parse_description(WHOLE[:at] + put + WHOLE[at + length :])
