"""No cell of an export is executed by the spreadsheet that opens it."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.web.console.rows import row
from voidtrail.runtime.views.shapes import Amount
from voidtrail.web.console import export


@pytest.mark.parametrize("text", [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "  @x", " \r", "\x0b=1",
    "=HYPERLINK(\"x\")",
])  # fmt: skip
def test_formulas_become_text(text):
    assert export.safe(text) == f"'{text}"


@given(st.text())
def test_cells_never_begin_like_a_formula(text):
    assert not export.safe(text).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@given(st.text(alphabet="=+-@,\"'\n\r\t中 x"))
def test_a_row_stays_one_row(text):
    file = export.head() + export.lines([row(payment=text or "p", order=text, shop=text)])
    first, *rest = csv.reader(io.StringIO(file.removeprefix(export.BYTE_ORDER_MARK), newline=""))
    assert tuple(first) == export.COLUMNS
    assert [len(each) for each in rest] == [len(first)]
    assert rest[0][1] == export.safe(text)


def test_amounts_are_exact_and_instants_carry_their_offset():
    (line,) = csv.DictReader(
        io.StringIO(export.head()[1:] + export.lines([row(amount=Amount(minor=128, currency="KWD"),
                                                          saveable=True)]))
    )  # fmt: skip
    assert (line["amount"], line["currency"], line["saveable"]) == ("0.128", "KWD", "yes")
    assert line["began_at"] == "2026-03-17T12:00:00+08:00"
    assert line["save_until"] == ""


def test_the_name_of_the_file_holds_nothing_that_a_header_could_misread():
    assert export.file_name('payments-"; x\r\nset-cookie: a') == "payments-xset-cookiea"
