"""Every line of a growing file once, in order, through rotations, restarts and truncations."""

import gzip
import os
import random
import shutil

import msgspec
import pytest

from voidtrail.runtime import growing
from voidtrail.runtime.growing import Growing, Line, Places

MAX = 512


class Log:
    """A log and whoever reads it."""

    def __init__(self, folder, name="access.log", places=None, from_start=True, piece=None):
        self.path = folder / name
        self.now = 0.0
        self.piece = piece
        self.seen = []
        self.begin(places, from_start)

    def begin(self, places=None, from_start=True):
        self.reader = Growing(self.path, places, MAX, from_start=from_start)
        if self.piece:
            self.reader._piece = self.piece

    def write(self, *lines, end="\n", to=None):
        with (to or self.path).open("a", newline="") as file:
            file.write("".join(f"{line}{end}" for line in lines))

    def read(self):
        """Read until nothing is left; return what was new."""
        new = []
        while True:
            new += [line.data.decode() for line in self.reader.read(self.now)]
            if not self.reader.moved:
                break
        self.seen += new
        return new

    def restart(self):
        """End as a crash does, and begin with what was kept."""
        kept = msgspec.json.decode(msgspec.json.encode(self.reader.places()), type=Places)
        self.reader.close()
        self.begin(kept, from_start=False)

    def rotate(self, number=1):
        for n in range(60, 0, -1):
            old = self.path.with_name(f"{self.path.name}.{n}")
            if old.exists():
                old.rename(self.path.with_name(f"{self.path.name}.{n + 1}"))
        rotated = self.path.with_name(f"{self.path.name}.{number}")
        self.path.rename(rotated)
        return rotated

    def copy_and_truncate(self):
        self.rotate_names()
        shutil.copy2(self.path, self.path.with_name(f"{self.path.name}.1"))
        os.truncate(self.path, 0)

    def rotate_names(self):
        for n in range(60, 0, -1):
            old = self.path.with_name(f"{self.path.name}.{n}")
            if old.exists():
                old.rename(self.path.with_name(f"{self.path.name}.{n + 1}"))


@pytest.fixture
def log(tmp_path):
    made = Log(tmp_path)
    yield made
    made.reader.close()


def test_lines_come_as_they_are_written(log):
    assert log.read() == []
    log.write("a", "b")
    assert log.read() == ["a", "b"]
    log.write("c")
    assert log.read() == ["c"]
    assert log.read() == []


def test_a_line_without_an_end_waits(log):
    log.write("a")
    log.write("half", end="")
    assert log.read() == ["a"]
    log.write(" and half")
    assert log.read() == ["half and half"]


def test_a_file_seen_first_is_read_from_its_end_or_its_start(tmp_path):
    path = tmp_path / "access.log"
    path.write_text("old\nhalf of an old")
    late = Log(tmp_path, from_start=False)
    late.write(" line", "new")
    assert late.read() == ["new"]
    late.reader.close()
    late.begin(from_start=True)
    assert late.read() == ["old", "half of an old line", "new"]
    late.reader.close()


def test_a_file_that_comes_later_is_read_from_its_start(tmp_path):
    log = Log(tmp_path, from_start=False)
    assert log.read() == []
    log.restart()
    log.write("first")
    assert log.read() == ["first"]
    log.reader.close()


def test_line_ends_of_windows_and_bytes_of_any_kind_stay(log):
    log.path.write_bytes(b"a\r\n\xff\xfe\x00b\n\n")
    assert [line.data for line in log.reader.read(0)] == [b"a", b"\xff\xfe\x00b", b""]


@pytest.mark.parametrize("size", [MAX + 1, 3 * MAX, 70_000, 200_001])
def test_a_line_too_long_is_cut_and_said_so(log, size):
    log.write("a", "x" * size, "b")
    lines = []
    while True:
        lines += log.reader.read(0)
        if not log.reader.moved:
            break
    assert lines == [Line(b"a", False), Line(b"x" * MAX, True), Line(b"b", False)]


def test_a_long_line_that_is_still_growing_is_cut_once(log):
    log.write("x" * 2000, end="")
    assert log.read() == ["x" * MAX]
    log.write("y" * 3000, end="")
    assert log.read() == []
    log.restart()
    log.write("z", "next")
    assert log.read() == ["next"]


def test_rename_and_create(log):
    log.write("a")
    log.read()
    log.write("b")
    old = log.rotate()
    log.write("late, by a writer that did not notice", to=old)
    log.write("c")
    assert log.read() == ["b", "late, by a writer that did not notice", "c"]
    log.write("later still", to=old)
    log.write("d")
    assert sorted(log.read()) == ["d", "later still"]


def test_a_file_rotated_away_is_let_go_after_a_while(log):
    log.write("a")
    log.read()
    old = log.rotate()
    log.write("no end", end="", to=old)
    log.write("b")
    assert log.read() == ["b"]
    assert len(log.reader.places().files) == 2
    log.now = growing.LINGER_S + 1
    assert log.read() == ["no end"]
    assert len(log.reader.places().files) == 1
    log.restart()
    assert log.read() == [], "what was finished is not read again"


def test_between_the_rotation_and_the_new_file_nothing_is_lost(log):
    log.write("a")
    log.rotate()
    assert log.read() == ["a"]
    log.write("b")
    assert log.read() == ["b"]


def test_two_rotations_between_two_looks(log):
    log.write("a")
    log.read()
    log.write("b")
    log.rotate()
    log.write("c")
    log.rotate()
    log.write("d")
    assert log.read() == ["b", "c", "d"]
    log.restart()
    assert log.read() == []


def test_rotations_while_nobody_reads(log):
    log.write("a")
    log.read()
    log.write("b")
    for name in "cde":
        log.rotate()
        log.write(name)
    log.restart()
    assert log.read() == ["b", "c", "d", "e"]


def test_archives_of_other_days_and_other_logs_are_left_alone(tmp_path):
    (tmp_path / "access.log.1").write_text("last week\n")
    os.utime(tmp_path / "access.log.1", (1, 1))
    log = Log(tmp_path)
    log.write("a")
    log.read()
    (tmp_path / "access_of_another.log").write_text("not ours\n")
    log.write("b")
    log.rotate(2)
    log.write("c")
    (tmp_path / "access_of_another.log").touch()
    log.restart()
    assert log.read() == ["b", "c"]
    log.reader.close()


def test_a_file_packed_while_nobody_reads(log):
    log.write(*map(str, range(50)))
    log.read()
    log.write("b", "c")
    old = log.rotate()
    with gzip.open(f"{old}.gz", "wb") as packed:
        packed.write(old.read_bytes())
    old.unlink()
    log.write("d")
    log.restart()
    assert log.read() == ["b", "c", "d"]
    assert log.read() == []
    assert log.reader.gaps == 0


def test_copy_and_truncate(log):
    log.write(*"abc")
    log.read()
    log.write("d")
    log.copy_and_truncate()
    log.write("e")
    assert log.read() == ["d", "e"]
    log.write("f")
    log.copy_and_truncate()
    log.write(*"ghijklmnop")
    assert log.read() == [*"fghijklmnop"]
    assert log.reader.gaps == 0


def test_copy_and_truncate_while_nobody_reads(log):
    log.write(*"abc")
    log.read()
    log.write("d")
    log.copy_and_truncate()
    log.write("e")
    log.restart()
    assert log.read() == ["d", "e"]


def test_a_file_emptied_without_a_copy_is_a_gap(log):
    log.write(*"abc")
    log.read()
    os.truncate(log.path, 0)
    log.write("d")
    assert log.read() == ["d"]
    assert log.reader.gaps == 1


def test_a_file_that_is_gone_is_a_gap(log):
    log.write("a")
    log.read()
    log.path.unlink()
    log.write("a new file")
    log.restart()
    assert log.read() == ["a new file"]
    assert log.reader.gaps == 1


def test_logs_that_begin_alike_are_told_apart(log):
    """Found by the benchmark, whose made-up lines come again every thousand."""
    banner = ["#" * 400] * 3
    for turn in range(3):
        log.write(*banner, f"a{turn}")
        log.read()
        log.write(*banner, f"b{turn}")
        log.rotate()
        log.write(*banner, f"c{turn}")
        log.rotate()
        log.restart()
        log.now += 40
    log.read()
    said = [line for line in log.seen if not line.startswith("#")]
    assert said == [f"{letter}{turn}" for turn in range(3) for letter in "abc"]


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("copies", [False, True], ids=["renamed", "copied"])
def test_any_life_of_a_log_is_read_once(tmp_path, seed, copies):
    chance = random.Random(seed)
    log = Log(tmp_path, piece=1100)
    written = 0
    for _ in range(60):
        size = chance.randrange(9)
        log.write(*(f"{written + n} {'x' * chance.randrange(60)}" for n in range(size)))
        written += size
        deed = chance.randrange(8)
        if deed == 0 and log.path.exists():
            log.copy_and_truncate() if copies else log.rotate()
        elif deed in (2, 3):
            log.restart()
        if chance.random() < 0.5 or (copies and deed == 0):
            log.read()
        log.now += chance.choice([0, 1, 40])
    log.read()
    numbers = [int(line.split()[0]) for line in log.seen]
    assert sorted(numbers) == list(range(written))
    log.reader.close()
