"""Log lines of five forms as fields; no line makes reading raise."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voidtrail.sources.gateway_log.wire import fields_of, moment, value

FORMS = ["json", "logfmt", "combined", "syslog", "pattern"]
PATTERN = r"(?P<time>\S+ \S+) \[(?P<level>\w+)\] pay (?P<payment>\S+) (?P<what>\w+)(?: (?P<x>\d+))?"
ACCESS = (
    b'83.149.9.216 - li [17/May/2015:10:05:03 +0000] "POST /pay/notify?trade_no=T1&n=%E8%AE%A2 '
    b'HTTP/1.1" 502 203023 "http://a.example/\\"q\\"" "Mozilla" rt=0.123 upstream="10.0.0.7"'
)
RFC5424 = (
    b'<165>1 2026-10-11T22:14:15.003Z pay-1 gateway 8710 PAY [x@32473 trade="T1" '
    b'note="a \\"b\\" ]"][y@1 z="2"] \xef\xbb\xbfpayment T1 cancelled by user'
)
BSD = b"<34>Oct 11 22:14:15 pay-1 gateway[8710]: payment T1 timed out"


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000_000)


def read(line, form, **more):
    fields = fields_of(line, form, **more)
    return lambda name: value(fields, name)


@pytest.mark.parametrize("before", ["", 'a="b" ', "2026-01-01 WARN "])
def test_a_word_of_a_million_letters_is_read_at_once(before):
    """Looked for at every letter of it, a name would take hours."""
    fields = fields_of((before + "a" * 1_000_000).encode(), "logfmt")
    assert fields == ({"a": "b"} if "=" in before else None)


def test_json_with_nesting_and_numbers_as_they_are_written():
    field = read(b'{"time":"x","pay":{"id":12345678901234567890,"amount":1.10},"ok":true,"n":null,'
                 b'"a.b":"c","list":[1]}', "json")  # fmt: skip
    assert field("pay.id") == "12345678901234567890"
    assert field("pay.amount") == "1.10"
    assert (field("ok"), field("n"), field("a.b"), field("list"), field("pay")) == (
        "true", "", "c", "", "")  # fmt: skip
    assert read(b'2026-01-01T00:00:00Z stdout F {"a":"1"}', "json")("a") == "1"


def test_logfmt_with_quotes():
    field = read(
        b'time=2026-01-01T00:00:00Z msg="pay \\"T1\\" failed" id=T1 empty= err=""', "logfmt"
    )
    assert (field("msg"), field("id"), field("empty"), field("err")) == (
        'pay "T1" failed',
        "T1",
        "",
        "",
    )


def test_access_log_with_query_and_what_nginx_adds():
    field = read(ACCESS, "combined")
    assert (field("client"), field("user"), field("status")) == ("83.149.9.216", "li", "502")
    assert (field("method"), field("path")) == ("POST", "/pay/notify")
    assert (field("query.trade_no"), field("query.n"), field("query.none")) == ("T1", "订", "")
    assert (field("rt"), field("upstream")) == ("0.123", "10.0.0.7")


def test_access_log_of_a_broken_request():
    field = read(b'1.2.3.4 - - [17/May/2015:10:05:03 +0000] "\\x16\\x03" 400 -', "combined")
    assert (field("status"), field("path"), field("bytes")) == ("400", "", "-")


def test_syslog_of_both_kinds():
    field = read(RFC5424, "syslog")
    assert (field("host"), field("app"), field("msgid"), field("severity")) == (
        "pay-1", "gateway", "PAY", "5")  # fmt: skip
    assert (field("sd.x@32473.trade"), field("sd.y@1.z")) == ("T1", "2")
    assert field("message") == "payment T1 cancelled by user"
    field = read(BSD, "syslog")
    assert (field("app"), field("procid"), field("facility")) == ("gateway", "8710", "4")
    assert field("message") == "payment T1 timed out"
    assert read(b"Oct  1 22:14:15 h app: hello", "syslog")("message") == "hello"


def test_syslog_around_another_form():
    inside = b'<34>Oct 11 22:14:15 h app: {"id":"T1","amount":1.50}'
    field = read(inside, "syslog", inner="json")
    assert (field("id"), field("amount"), field("app")) == ("T1", "1.50", "app")
    assert read(b"<34>Oct 11 22:14:15 h app: id=T2 x=1", "syslog", inner="logfmt")("id") == "T2"


def test_pattern_of_ones_own():
    field = read(b"2026-01-01 00:00:01 [ERROR] pay T1 failed", "pattern", pattern=PATTERN)
    assert (field("payment"), field("what"), field("x")) == ("T1", "failed", "")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "line", [b"", b"nonsense", b"{", b"[1]", b"{\xff}", b"<999", b'"' * 50, b"{" * 5000]
)
def test_lines_of_another_form_have_no_fields(form, line):
    fields = fields_of(line, form, PATTERN)
    assert fields is None or isinstance(fields, dict)
    assert fields_of(b"nonsense", form, PATTERN) is None


@given(st.binary(max_size=200), st.sampled_from(FORMS))
def test_no_bytes_raise(line, form):
    for text in (line, ACCESS[:60] + line, RFC5424[:90] + line, b'{"a":' + line + b"}"):
        fields = fields_of(text, form, PATTERN, "json")
        if fields is not None:
            assert isinstance(value(fields, "query.a.b"), str)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("17/May/2015:10:05:03 +0200", "2015-05-17T08:05:03"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00"),
        ("2026-01-01T00:00:00.5+08:00", "2025-12-31T16:00:00.5"),
        ("2026-01-01 08:00:00", "2026-01-01T00:00:00"),  # the zone of the account
        ("2026/01/01 08:00:00", "2026-01-01T00:00:00"),  # nginx's error log
        ("2026-01-01 08:00:00,250", "2026-01-01T00:00:00.25"),  # log4j
        ("1767225600", "2026-01-01T00:00:00"),
        ("1767225600.25", "2026-01-01T00:00:00.25"),
        ("1767225600250", "2026-01-01T00:00:00.25"),
        ("1767225600250000", "2026-01-01T00:00:00.25"),
        ("Jan  1 08:00:03", "2026-01-01T00:00:03"),
        ("Dec 31 23:59:59", "2025-12-31T15:59:59"),  # syslog states no year
    ],
)
def test_times(text, expected):
    assert moment(text, "Asia/Shanghai", at("2026-01-01T00:00:05")) == at(expected)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "32/May/2015:10:05:03 +0000", "12", "Feb 30 00:00:00", "9" * 60, "²"]
)
def test_what_is_no_time_is_none(text):
    assert moment(text, "UTC", 0) is None


@given(st.text(max_size=30))
def test_no_time_raises(text):
    moment(text, "Nowhere/Land", 0)
