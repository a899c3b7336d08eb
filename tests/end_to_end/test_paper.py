"""`voidtrail report --html --pdf` as people run it: read back, and held against the figures."""

import ctypes
import json
import re
import subprocess
import sys

import pypdfium2
import pypdfium2.raw as pdfium
import pytest

from tests.conftest import ROOT
from tests.end_to_end.house import clean_environment
from tests.unit.web.paper.sheets import week

DAYS = ("--since", "2026-03-16", "--until", "2026-03-22")
WORDS = {
    "en": ("Weekly report", "What the words mean", "By rail"),
    "zh_CN": ("周报", "名词解释", "按支付渠道"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("paper")
    with week(folder):
        pass
    return folder


def voidtrail(folder, *words, language="en", ended=0):
    command = [sys.executable, "-m", "voidtrail", "--lang", language, *map(str, words)]
    environment = clean_environment(VOIDTRAIL_DB=str(folder / "voidtrail.db"))
    done = subprocess.run(command, capture_output=True, check=False, cwd=ROOT, env=environment)
    assert done.returncode == ended, done.stderr.decode()
    return done


@pytest.fixture(scope="module")
def figures(folder):
    said = voidtrail(folder, "report", "--json", *DAYS, "--by", "source", "--by", "day")
    return json.loads(said.stdout)


@pytest.fixture(scope="module", params=["en", "zh_CN"])
def made(folder, request):
    """The same report as a page and as a PDF; in which language."""
    html, pdf = (folder / f"{request.param}.{end}" for end in ("html", "pdf"))
    voidtrail(folder, "report", *DAYS, "--html", html, "--pdf", pdf, language=request.param)
    return html.read_text("utf-8"), pdf, request.param


def read(pdf):
    document = pypdfium2.PdfDocument(pdf)
    text = "\n".join(page.get_textpage().get_text_range() for page in document)
    return " ".join(text.split())


def plain(html):
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.S).split())


def test_every_number_is_that_of_the_report(made, figures):
    html, pdf, _ = made
    day = [each for each in figures["by"] if each["dimension"] == "day"]
    rails = [each for each in figures["by"] if each["dimension"] == "source"]
    names = ("payments", "cancelled", "orders", "switched", "cancelled_orders")
    wanted = [figures[name] for name in names]
    wanted += [n for name in ("how", "actor", "state") for n in figures[name].values()]
    wanted += [each[key] for each in (*day, *rails) for key in ("payments", "cancelled")]
    rates = [figures["cancel_rate"], *(each["cancel_rate"] for each in rails)]
    shown = [f"{100 * each['value']:.1f}%" for each in rates if each["of"] >= 20]
    shown += [f"({100 * each['low']:.1f}–{100 * each['high']:.1f})" for each in rates if
              each["of"] >= 20]  # fmt: skip
    for text in (plain(html), read(pdf)):
        for number in filter(None, wanted):
            assert re.search(rf"(?<![\d.,]){number:,}(?![\d.,]\d)", text), number
        for each in shown:
            assert each in text
        for currency, minor in figures["cancelled_minor"].items():
            assert f"{minor / 100:,.2f}" in text, currency


def test_page_and_pdf_say_the_same_in_their_language(made):
    html, pdf, language = made
    for word in WORDS[language]:
        assert word in plain(html)
        assert word in read(pdf)


def test_the_pdf_can_be_read_by_machines_and_needs_no_font_of_the_readers(made):
    _, pdf, _ = made
    document = pypdfium2.PdfDocument(pdf)
    assert 2 <= len(document) <= 6
    assert document.get_metadata_dict()["Title"].endswith("Voidtrail")
    assert pdfium.FPDFCatalog_IsTagged(document)
    assert pdf.stat().st_size < 1_000_000
    fonts = set()
    for page in document:
        for each in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT]):
            font = pdfium.FPDFTextObj_GetFont(each)
            length = pdfium.FPDFFont_GetFamilyName(font, None, 0)
            name = ctypes.create_string_buffer(length)
            pdfium.FPDFFont_GetFamilyName(font, name, length)
            fonts.add((name.value.decode(), pdfium.FPDFFont_GetIsEmbedded(font)))
    assert fonts
    assert all(embedded for _, embedded in fonts), fonts


def test_a_period_of_the_calendar_is_named_by_any_of_its_days(folder, figures):
    said = voidtrail(folder, "report", "--period", "week", "--since", "2026-03-18", "--json")
    found = json.loads(said.stdout)
    assert (found["since"], found["until"]) == ("2026-03-16", "2026-03-22")
    assert found["cancelled"] == figures["cancelled"]


def test_a_page_can_go_to_standard_output(folder):
    said = voidtrail(folder, "report", *DAYS, "--html", "-")
    assert said.stdout.startswith(b"<!doctype html>")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--html", "x", "--by", "shop"), "neither --by nor --as-of"),
        (("--html", "/no/such/folder/x.html"), "cannot be written"),
        (("--pdf", "x", "--since", "2020-01-01", "--until", "2026-01-01"), "1 to 366 days"),
        (("--pdf", "x", "--since", "march"), "no dates"),
        (("--period", "week", "--since", "march"), "not a date"),
    ],
)
def test_wrong_use_is_refused_and_named(folder, words, why):
    said = voidtrail(folder, "report", *words, ended=2)
    assert why in said.stderr.decode()
