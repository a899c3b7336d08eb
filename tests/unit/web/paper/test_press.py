"""Setting a page as a PDF, and machines that cannot."""

import io
import sys
from types import SimpleNamespace

import pypdfium2
import pytest

from voidtrail.web.paper import press


def text_of(pdf):
    document = pypdfium2.PdfDocument(pdf)
    return "".join(page.get_textpage().get_text_range() for page in document)


def test_chinese_and_english_are_set_and_can_be_read_back():
    pdf = press.press("<html lang=zh-CN><title>x</title><p>支付取消率 <b>37.7%</b> rate")
    assert pdf.startswith(b"%PDF-1.7")
    text = text_of(pdf)
    for word in ("支付取消率", "37.7%", "rate"):
        assert word in text
    assert len(pdf) < 100_000, "only the glyphs that are used are in it"


def test_nothing_is_fetched_whatever_a_page_asks_for(tmp_path, caplog):
    secret = tmp_path / "secret.svg"
    secret.write_text("<svg xmlns='http://www.w3.org/2000/svg'><text>secret</text></svg>")
    pdf = press.press(f"<html lang=en><title>x</title><p>seen<img alt='' src='file://{secret}'>")
    assert "secret" not in text_of(pdf)


def test_without_a_chinese_font_the_message_says_which_to_install(monkeypatch):
    import weasyprint

    page = SimpleNamespace(
        fonts={"f": SimpleNamespace(missing={0x652F: 9})}, write_pdf=lambda **_: b"%PDF"
    )
    monkeypatch.setattr(weasyprint.HTML, "render", lambda *_, **__: page)
    with pytest.raises(RuntimeError, match="fonts-noto-cjk"):
        press.press("<p>支")


def test_without_pango_the_message_says_what_to_install(monkeypatch):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "weasyprint":
                raise OSError("cannot load library 'libpango-1.0-0'")

    for name in [each for each in sys.modules if each.partition(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(RuntimeError, match="apt install libpango"):
        press.press("<p>x")


def test_as_a_process_it_reads_and_writes_bytes_and_says_why_it_cannot(monkeypatch, capsys):
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO("<p>é".encode())))
    monkeypatch.setattr(press, "press", lambda html: html.encode())
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=out))
    assert press.main() == 0
    assert out.getvalue().decode() == "<p>é"

    def fails(_):
        raise RuntimeError("no font")

    monkeypatch.setattr(press, "press", fails)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"x")))
    assert press.main() == 3
    assert capsys.readouterr().err == "no font\n"
