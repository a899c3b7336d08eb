"""Settings of ports and logs: what cannot be meant is refused by its field."""

import pytest

from voidtrail.errors import SettingInvalid, SettingUnknown
from voidtrail.runtime.inlets import with_rules
from voidtrail.runtime.settings import load
from voidtrail.sources.gateway_log.facts import reader_of

ACCOUNTS = """
[[account]]
source = "pos"
name = "main"
[[account]]
source = "gateway_log"
name = "main"
"""
RULE = """
[[tail.rule]]
name = "fault"
when = { status = "5??" }
"""
TAIL = f'[[tail]]\npath = "pay.log"\nformat = "combined"\n{RULE}'


@pytest.fixture
def settings(tmp_path):
    def made(text):
        file = tmp_path / "voidtrail.toml"
        file.write_text(ACCOUNTS + text, "utf-8")
        return load(file, {})

    return made


def test_a_port_listens_to_this_machine_by_default(settings):
    (listen,) = settings("[[listen]]\nport = 8583\n").listen
    assert (listen.host, listen.framing, listen.account) == ("127.0.0.1", "length2", "main")
    more = '[[listen]]\nport = 8583\nhost = "0.0.0.0"\nallow = ["10.1.0.0/16"]\n'
    assert settings(more).listen[0].allow == ("10.1.0.0/16",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('port = 1\nsource = "stripe"', "source"),
        ('port = 1\naccount = "other"', "account"),
        ("port = 99999", "port"),
        ('port = 1\nhost = "0.0.0.0"', "allow"),
        ('port = 1\nhost = "pay.example"', "allow"),
        ('port = 1\nallow = ["10.1.0.0/99"]', "allow"),
        ("port = 1\nframe_max_bytes = 5", "frame_max_bytes"),
        ("port = 1\nconnections_max = 0", "connections_max"),
        ("port = 1\nframe_deadline_s = 0", "frame_deadline_s"),
        ("port = 1\n[[listen]]\nport = 1", "twice"),
        ('port = 1\nframing = "xml"', "framing"),
    ],
)
def test_a_port_that_cannot_be_meant(settings, text, why):
    with pytest.raises(SettingInvalid, match=why):
        settings(f"[[listen]]\n{text}\n")


def test_a_log_is_read_from_its_end_by_default(settings):
    (tail,) = settings(TAIL).tail
    assert (tail.paths(), tail.since, tail.rule[0].name) == (("pay.log",), "end", "fault")
    several = TAIL.replace('"pay.log"', '["a.log", "b.log"]')
    assert settings(several).tail[0].paths() == ("a.log", "b.log")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (TAIL.replace('"pay.log"', '""'), "path"),
        (TAIL.replace('"pay.log"', "[]"), "path"),
        (TAIL.replace('"pay.log"', '["a", "a"]'), "twice"),
        (TAIL.replace("[[tail]]", '[[tail]]\naccount = "other"'), "account"),
        (TAIL + TAIL.replace("pay.log", "b.log"), "another"),
        (TAIL.replace("[[tail]]", "[[tail]]\nline_max_bytes = 1"), "line_max_bytes"),
        (TAIL.replace(RULE, ""), "rule"),
        (TAIL.replace('"combined"', '"xml"'), "format"),
        (TAIL + 'kind = "explode"', "rule fault, kind"),
    ],
)
def test_a_log_that_cannot_be_meant(settings, text, why):
    with pytest.raises(SettingInvalid, match=why):
        settings(text)


def test_a_rules_unknown_key_is_named(settings):
    with pytest.raises(SettingUnknown, match=r"did you mean tail\.rule\.payment"):
        settings(TAIL + 'paymnt = "x"')


def test_the_account_knows_the_rules_of_its_log(settings):
    found = settings(TAIL)
    pos, log = (each.account() for each in found.account)
    reader = reader_of(with_rules(log, found.tail).options["rules"])
    assert reader.form == found.tail[0].form()
    assert with_rules(pos, found.tail) == pos
    assert with_rules(log, ()) == log
