"""Bytes, cells and records of bills, whatever a platform puts around them."""

import pytest

from voidtrail.sources import bill_reading as reading
from voidtrail.sources.bill_reading import Bad, Cells, Encoding, End, Head, Hints, Said, Unfit


def _encoding(data, size=3):
    found = Encoding()
    for start in range(0, len(data), size):
        found.feed(data[start : start + size])
    return found.name()


def test_an_encoding_is_found_though_characters_are_cut_between_chunks():
    assert _encoding("订单号,1".encode()) == "utf-8"
    assert _encoding("\ufeff订单号".encode()) == "utf-8-sig"
    assert _encoding("商户订单号,退款".encode("gb18030")) == "gb18030"
    assert _encoding(b"order,1") == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-8-sig"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_lines_are_the_same_however_the_bytes_come(encoding, size):
    data = "订单（元）\r\n二\n三".encode(encoding)
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    assert [*reading.lines_of(chunks, encoding)] == ["订单（元）\r\n", "二\n", "三"]


def test_quoted_line_ends_belong_to_their_cell_and_lines_are_counted():
    found = [*reading.records(["a,b\n", '"x\n', 'y",2\n', "\n", "3,4\n"], before=10)]
    assert found == [Cells(11, ["a", "b"]), Cells(13, ["x\ny", "2"]), Cells(15, ["3", "4"])]


@pytest.mark.parametrize("text", ["0.001", "1e400", "NaN", "twelve", "--1", "1.2.3"])
def test_what_is_no_amount_is_refused_with_its_column(text):
    with pytest.raises(Unfit) as refusal:
        reading.amount(text, "CNY", "金额")
    assert refusal.value.column == "金额"


def test_amounts_are_exact_in_every_currency():
    assert reading.amount("￥-0.01", "CNY", "x") == -1
    assert reading.amount("90071992547409.93", "CNY", "x") == 9_007_199_254_740_993
    assert reading.amount("1.234", "KWD", "x") == 1234
    assert reading.amount("0.00600", "CNY", "x", rounding=True) == 1


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2026-01-19 12:07:45 +0100", "UTC"), ("2026/01/19 11:07:45", "UTC"),
        ("2026-01-19T11:07:45Z", "Asia/Tokyo"), ("2026-01-19 19:07:45", "Asia/Shanghai"),
        ("2026-01-19 12:07:45", "Europe/Amsterdam"),
    ],
)  # fmt: skip
def test_an_instant_is_the_same_however_it_is_written(text, zone):
    assert reading.instant(text, zone, "at") == 1_768_820_865_000_000


def test_a_table_says_whose_it_is_and_names_the_lines_that_it_cannot_read():
    def row_of(fields, line, hints):
        if not fields["n"]:
            raise Unfit("n", "is empty")
        return line

    lines = ["n,m\n", "1,a\n", ",b\n", "1\n", "2,\ufffd\n", "3,c"]
    found = [*reading.plain_table(lines, Hints(), row_of, lambda fields: fields["m"])]
    assert found[:2] == [Head("a"), Said(2, {"n": "1", "m": "a"})]
    assert [(each.line, each.column) for each in found if isinstance(each, Bad)] == [
        (3, "n"), (4, ""), (5, ""),
    ]  # fmt: skip
    assert found[-1] == End(closed=True)


def test_a_table_that_breaks_off_within_a_row_is_not_whole():
    found = [*reading.plain_table(["a,b\n", "1,2\n", "1"], Hints(), lambda *_: 0, lambda _: "")]
    assert found[-1] == End(closed=False)
