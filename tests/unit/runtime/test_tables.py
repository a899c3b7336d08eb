import hashlib
import json

import polars as pl
import pytest

from tests.unit.sources.table.tables import ACCOUNT, ISSUE, ROWS, one_event
from voidtrail.errors import FileInvalid, MappingInvalid
from voidtrail.event.model import Unreadable
from voidtrail.runtime import tables
from voidtrail.sources.table.mapping import parse_mapping

AT = "2024-03-01 12:00:00"


def read(path, text, **more):
    table = tables.open_table(path)
    return list(tables.translate_file(table, parse_mapping(text), ACCOUNT, 7, **more))


def events(path, text):
    return [said for _, said in read(path, text)]


def write_csv(path, rows, *, encoding="utf-8", delimiter=","):
    names = list(rows)
    lines = [names, *zip(*rows.values(), strict=True)]
    text = "".join(delimiter.join(map(str, line)) + "\n" for line in lines)
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_in_the_encodings_that_shops_save(tmp_path, encoding, delimiter):
    path = write_csv(tmp_path / "a.csv", ROWS, encoding=encoding, delimiter=delimiter)
    said = events(path, ISSUE)
    assert [len(each) for each in said] == [1, 3, 1]
    assert said[1][1].amount_minor == 2100


def test_three_forms_of_one_table_say_the_same(tmp_path):
    frame = pl.DataFrame({"id": ["a", "b", "a"], "at": [AT] * 3, "amount": [1.5, 2.25, 3.0]})
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_csv(tmp_path / "t.csv")
    frame.write_ndjson(tmp_path / "t.jsonl")
    text = one_event(group_by=["id"], event={"amount": "SUM(amount)"})
    found = [events(tmp_path / f"t.{ending}", text) for ending in ("parquet", "csv", "jsonl")]
    amounts = [[(each[0].order, each[0].amount_minor) for each in said] for said in found]
    assert amounts == [[("a", 450), ("b", 225)]] * 3


def test_file_is_named_by_its_bytes(tmp_path):
    path = write_csv(tmp_path / "a.csv", ROWS)
    seen: list[int] = []
    table = tables.open_table(path, seen.append)
    assert table.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (table.rows, seen[-1]) == (3, path.stat().st_size)
    [(delivery, said), *_] = read(path, ISSUE)
    assert said[0].identity == (table.digest, "0")
    assert delivery.header("file-name") == "a.csv"
    assert read(path, ISSUE) == read(path, ISSUE)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_slices_change_nothing(tmp_path, monkeypatch, size, ending):
    frame = pl.DataFrame({
        "id": list("abacabd"),
        "at": [f"2024-03-01 12:00:0{second}" for second in range(7)],
        "amount": ["1", "2", "3", "4", "5", "6", "7"],
    })  # fmt: skip
    path = tmp_path / f"t.{ending}"
    write = {"csv": "write_csv", "parquet": "write_parquet", "jsonl": "write_ndjson"}[ending]
    getattr(frame, write)(path)
    group = one_event(group_by=["id"], event={"amount": "SUM(amount)"})
    chain = one_event(columns={"order": ""}, session={"by": ["id"], "within_s": 2})
    for text in (group, chain, one_event()):
        whole = sorted(map(repr, read(path, text)))
        monkeypatch.setattr(tables.slices, "__defaults__", (None, size))
        sliced = sorted(map(repr, read(path, text)))
        monkeypatch.setattr(tables.slices, "__defaults__", (None, tables.SLICE_ROWS))
        assert sliced == whole


def test_ragged_row_is_kept_and_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f'id,at,amount\n1,{AT},5\n2,{AT},1,234.00\n3,{AT}\n\n4,"{AT}",7\n')
    (_, first), (long, fault), (_, short), (_, last) = read(path, one_event())
    assert [first[0].amount_minor, last[0].amount_minor] == [500, 700]
    assert (fault.path, short.path) == ("row 2", "row 3")
    assert fault.why == "has 4 fields, but the header names 3"
    assert json.loads(long.body) == {"__line": f"2,{AT},1,234.00"}


def test_quoted_fields_may_hold_lines_and_commas(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f'id,at,amount,note\n"1, ""x""\n2",{AT},5,"a\nb"\n')
    [[event]] = events(path, one_event())
    assert event.order == '1, "x"\n2'


def test_bad_json_line_is_kept_and_named(tmp_path):
    path = tmp_path / "a.jsonl"
    good = json.dumps({"id": "1", "at": AT, "amount": 12.30, "flag": True})
    path.write_text(good + "\n{broken\n[1]\n\n" + good + "\n")
    text = one_event(event={"when": '"flag"'})
    first, broken, listed, last = events(path, text)
    assert first[0].amount_minor == last[0].amount_minor == 1230
    assert (broken.path, broken.why) == ("row 2", "is not valid JSON")
    assert (listed.path, listed.why) == ("row 3", "is not a JSON object")


def test_json_numbers_stay_as_they_are_written(tmp_path):
    path = tmp_path / "a.jsonl"
    line = f'{{"id": 12345678901234567890, "at": "{AT}", "amount": 0.10000000000000000}}'
    path.write_text(line + "\n")
    [[event]] = events(path, one_event())
    assert (event.order, event.amount_minor) == ("12345678901234567890", 10)


def test_progress_is_told(tmp_path):
    seen: list[int] = []
    read(write_csv(tmp_path / "a.csv", ROWS), ISSUE, on_rows=seen.append)
    assert seen == [3]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.xlsx", b"x", [".xlsx", ".csv"]),
        ("a.parquet", b"no parquet", ["Parquet"]),
        ("a.csv", b"", ["empty"]),
        ("a.csv", b"a,b,a\n1,2,3\n", ["'a'", "two columns"]),
        ("a.csv", b"id\n\xff\xff\xff\n", ["UTF-8", "GBK"]),
    ],
)
def test_file_that_cannot_be_read_is_refused(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FileInvalid) as caught:
        read(path, one_event())
    for word in (name, *words):
        assert word in str(caught.value)
    with pytest.raises(FileInvalid):
        tables.open_table(tmp_path / "absent.csv")


def test_missing_column_refuses_the_whole_file(tmp_path):
    path = write_csv(tmp_path / "a.csv", {**ROWS, "总金额 ": ["1", "2", "3"]})
    assert all(isinstance(each, list) for each in events(path, ISSUE))
    renamed = {name.replace("总金额", "总 金额"): values for name, values in ROWS.items()}
    with pytest.raises(MappingInvalid, match=r"总金额.*总 金额"):
        read(write_csv(tmp_path / "b.csv", renamed), ISSUE)


def test_empty_table_of_each_form_says_nothing(tmp_path):
    frame = pl.DataFrame({"id": [], "at": [], "amount": []}, schema=dict.fromkeys(
        ("id", "at", "amount"), pl.String))  # fmt: skip
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_csv(tmp_path / "t.csv")
    assert read(tmp_path / "t.parquet", one_event()) == read(tmp_path / "t.csv", one_event()) == []


def test_unreadable_rows_do_not_stop_the_others(tmp_path):
    amounts = ["x" if n % 7 == 0 else n for n in range(50)]
    rows = {"id": range(50), "at": [AT] * 50, "amount": amounts}
    said = events(write_csv(tmp_path / "a.csv", rows), one_event())
    bad = [each.path for each in said if isinstance(each, Unreadable)]
    assert bad == [f"row {n + 1}, column amount" for n in range(0, 50, 7)]
    assert sum(isinstance(each, list) for each in said) == 42
