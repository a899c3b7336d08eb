"""Braintree's XML is only ever read: nothing in it grows, opens or calls."""

import time

import pytest

from voidtrail.sources.braintree import wire

BILLION = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;">]><notification><kind>&c;</kind></notification>"""


@pytest.mark.parametrize(
    "document",
    [
        BILLION,
        b'<!DOCTYPE n [<!ENTITY x SYSTEM "file:///etc/passwd">]><n>&x;</n>',
        b'<!DOCTYPE n SYSTEM "http://127.0.0.1:1/evil.dtd"><n/>',
        b'<!DOCTYPE n PUBLIC "-//x" "http://127.0.0.1:1/evil.dtd"><n/>',
        b'<!DOCTYPE n [<!ENTITY % x SYSTEM "http://127.0.0.1:1/"> %x;]><n/>',
        b"<!DOCTYPE n><n/>",
        b"<n>&x;</n>",
        b"<n>&#xD800;</n>",
        b"",
        b"<n>",
        b"<n/><n/>",
        b"<n></m>",
        b"\xff\xfe<\x00n",
        b'<?xml version="1.0" encoding="no-such"?><n/>',
        b'<?xml version="1.0" encoding="UTF-8"?><n>\xff</n>',
        b"<n>" + b"<m/>" * 40_000 + b"</n>",
        b"<n><![CDATA[x]]></n>",
        BILLION.decode().encode("utf-16"),
        BILLION.decode().encode("utf-16-le"),
        BILLION.decode().encode("utf-8-sig"),
        b'<?xml version="1.0" encoding="utf-16"?><n/>',
        b"<?xml version=\"1.0\" encoding = 'cp037'?>" + "<!DOCTYPE n><n/>".encode("cp037"),
        b'\n<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE n+AD4<n/>',
    ],
    ids=lambda document: repr(document[:40]),
)
def test_what_no_notice_holds_is_refused(document):
    began = time.perf_counter()
    with pytest.raises(ValueError, match=r"XML|declarations|too large"):
        wire.parse(document)
    assert time.perf_counter() - began < 1.0


def test_plain_entities_and_references_are_text():
    root = wire.parse("<n><a>&lt;&amp;&#x4E2D;&#xA;文</a><b nil='true'>x</b></n>".encode())
    assert wire.text(root, "a") == "<&中\n文"
    assert wire.text(root, "b") == wire.text(root, "c") == ""


def test_deep_document_is_read_and_let_go():
    root = wire.parse(b"<n>" * 19_000 + b"x" + b"</n>" * 19_000)
    assert sum(1 for _ in root.iter()) == 19_000
    del root


@pytest.mark.parametrize(
    "body",
    [b"", b"bt_signature=a", b"bt_payload=a", b"bt_signature=a&bt_payload=b&bt_payload=c",
     b"bt_signature=a&bt_signature=a&bt_payload=b", b"\xff", b"{}", b"bt_payload", b"&&",
     b"x=1&" * 40 + b"bt_signature=a&bt_payload=b"],
)  # fmt: skip
def test_form_without_each_field_once_is_none(body):
    assert wire.form(body) is None


def test_sloppy_plus_is_a_plus():
    assert wire.form(b"bt_signature=k%7Cff&bt_payload=a+b%2Bc%0A") == ("k|ff", b"a+b+c\n")
