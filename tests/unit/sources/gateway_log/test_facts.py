"""Rules: which lines they are about, what they state, and what cannot be meant."""

import pytest

from voidtrail.event.model import Kind, Result
from voidtrail.sources.gateway_log.facts import (
    LogForm,
    LogRule,
    Reader,
    amount_of,
    faults,
    reader_of,
    said,
)

FAULT = LogRule(name="fault", when={"status": "5??", "path": ("/pay/*", "/api/pay/*")},
                kind="authorise", result="refused", reason="platform_fault",
                payment="query.trade_no")  # fmt: skip


def line(status="502", path="/pay/notify?trade_no=T1", rest=""):
    return (f'1.2.3.4 - - [17/May/2015:10:05:03 +0000] "GET {path} HTTP/1.1" {status} 5 "-" "-"'
            f"{rest}").encode()  # fmt: skip


def match(*rules, text=None, form="combined", **more):
    return Reader(LogForm(format=form, rule=rules)).match(line(**more) if text is None else text)


def test_all_fields_of_a_rule_must_fit_and_of_several_patterns_one():
    found = match(FAULT)
    assert (found.rule.name, found.payment) == ("fault", "T1")
    assert found.meaning == (Kind.AUTHORISE, Result.REFUSED, "platform_fault")
    assert match(FAULT, path="/api/pay/x?trade_no=T1") is not None
    assert match(FAULT, status="200") is None
    assert match(FAULT, path="/shop?trade_no=T1") is None


@pytest.mark.parametrize(
    ("pattern", "fits", "not_"),
    [
        ("502", "502", "5021"), ("5??", "504", "50"), ("[45]*", "499", "200"),
        (">= 3", "3.0", "2.99"), (">3", "4", "3"), ("< 1", "0.5", "1"), ("<=1", "1", "x"),
        ("~^5\\d\\d$", "500", "1500"), ("-", "-", ""),
    ],
)  # fmt: skip
def test_patterns(pattern, fits, not_):
    rule = LogRule(name="r", when={"a": pattern})
    assert match(rule, text=f'{{"a":"{fits}"}}'.encode(), form="json")
    assert not match(rule, text=f'{{"a":"{not_}"}}'.encode(), form="json")


def test_the_first_rule_that_fits_decides():
    slow = LogRule(name="slow", when={"rt": ">= 5"})
    assert match(FAULT, slow, rest=" rt=9").rule.name == "fault"
    assert match(FAULT, slow, status="200", rest=" rt=9").rule.name == "slow"


def test_a_line_without_a_reference_is_only_counted():
    found = match(FAULT, path="/pay/notify")
    assert (found.rule.name, found.meaning) == ("fault", None)
    assert match(LogRule(name="n", when={"status": "502"})).meaning is None


def test_a_quick_test_passes_lines_by_unread():
    rule = LogRule(name="r", contains=("T1", "T2"), when={"status": "502"})
    reader = Reader(LogForm(format="combined", rule=(rule,)))
    assert reader.match(line()) is not None
    assert reader.match(b"no T3 at all") is None
    assert reader.match(b"T1, but no access log") is None


def test_a_table_tells_by_the_status_and_what_it_does_not_list_is_told_too():
    rule = LogRule(name="r", contains="pay", status="what", payment="id",
                   table={"closed": "cancel succeeded closed_by_platform",
                          "paid": "capture succeeded"})  # fmt: skip

    def meaning(what):
        return match(
            rule, text=f'{{"pay":1,"id":"T1","what":"{what}"}}'.encode(), form="json"
        ).meaning

    assert meaning("closed") == (Kind.CANCEL, Result.SUCCEEDED, "closed_by_platform")
    assert meaning("paid") == (Kind.CAPTURE, Result.SUCCEEDED, "")
    assert meaning("else") == (Kind.OTHER, Result.UNKNOWN, "")


@pytest.mark.parametrize(
    ("rule", "amount", "expected"),
    [
        ({"currency": "CNY"}, "12.30", (1230, "CNY")),
        ({"currency": "JPY"}, "500", (500, "JPY")),
        ({"currency": "CNY", "unit": "minor"}, "1230", (1230, "CNY")),
        ({"currency": "cur"}, "1.5", (150, "EUR")),
        ({"currency": "CNY"}, "", (None, "")),
        ({"currency": "CNY", "unit": "minor"}, "1.5", (None, "")),
        ({"currency": "none"}, "1.5", (None, "")),
        ({"currency": "KWD"}, "1.2345678", (1235, "KWD")),  # a float that a program printed
    ],
)
def test_amounts(rule, amount, expected):
    found = amount_of(LogRule(name="r", amount="a", **rule), {"a": amount, "cur": "EUR"})
    assert found == expected


def test_words_of_a_statement():
    assert said("cancel succeeded") == (Kind.CANCEL, Result.SUCCEEDED, "")
    for wrong in (
        "cancel",
        "cancel done",
        "nudge succeeded",
        "cancel succeeded for_fun",
        "a b c d",
    ):
        with pytest.raises((KeyError, ValueError)):
            said(wrong)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"format": "pattern"}, "pattern"),
        ({"format": "pattern", "pattern": "("}, "pattern"),
        ({"format": "json", "pattern": "(?P<a>.)"}, "pattern"),
        ({"rule": ()}, "rule"),
        ({"rule": (LogRule(name="a"),)}, "rule a, when"),
        ({"rule": (LogRule(name="a", when={"x": "~("}),)}, "rule a, when.x"),
        ({"rule": (LogRule(name="a", contains="x", kind="void_it", payment="p"),)}, "rule a, kind"),
        ({"rule": (LogRule(name="a", contains="x", result="done"),)}, "rule a, result"),
        ({"rule": (LogRule(name="a", contains="x", reason="fun"),)}, "rule a, reason"),
        ({"rule": (LogRule(name="a", contains="x", kind="void"),)}, "rule a, payment"),
        ({"rule": (LogRule(name="a", contains="x", payment="p", table={"P": "paid"}),)},
         "rule a, table.P"),
        ({"rule": (LogRule(name="a", contains="x", payment="p",
                           table={"P": "capture succeeded"}),)}, "rule a, status"),
        ({"rule": (LogRule(name="a", contains="x", of="stripe"),)}, "rule a, of"),
        ({"rule": (LogRule(name="a", contains="x"), LogRule(name="a", contains="y"))},
         "rule a, name"),
        ({"rule": (LogRule(name="", contains="x"),)}, "rule ?, name"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_names_its_field(form, field):
    found = list(faults(LogForm(**{"format": "json", "rule": (FAULT,)} | form)))
    assert field in [name for name, _ in found]
    assert all(why for _, why in found)


def test_what_can_be_meant_has_no_fault():
    assert not list(faults(LogForm(format="combined", rule=(FAULT,))))


def test_rules_are_read_from_the_option_once():
    text = '{"format":"json","rule":[{"name":"r","contains":"x"}]}'
    assert reader_of(text) is reader_of(text)
    with pytest.raises(Exception, match="format"):
        reader_of("{}")
