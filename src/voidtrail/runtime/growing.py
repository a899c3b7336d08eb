"""A file that grows and is rotated away: every line of it, once, in order.

A file is known by device and inode, and by marks over its first bytes and over the last ones that
were read: an inode is given out anew, a file that was copied and truncated keeps its own, and many
logs begin alike. What was rotated away is read to its end and
watched for a while, since its writer may not have noticed yet. Memory stays that of one piece.
"""

from __future__ import annotations

import gzip
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import IO, Final, NamedTuple, cast

import msgspec

PIECE: Final = 65_536
MARK_BYTES: Final = 1024
LINGER_S: Final = 30.0
"""How long a file that was rotated away is watched after its last line."""
_FINISHED_MAX: Final = 32
_GRAIN_NS: Final = 100_000_000
"""File systems date a change coarsely, some to ten milliseconds."""


class Place(msgspec.Struct, kw_only=True):
    """How far one file was read.

    Attributes:
        offset: of the first byte that was not read.
        mark: digest of the first `marked` bytes.
        last: digest of the last bytes read, up to `last_at`.
        skipping: the rest of a line that was too long is passed by.
    """

    device: int
    inode: int
    offset: int = 0
    mark: str = ""
    marked: int = 0
    last: str = ""
    last_at: int = 0
    skipping: bool = False


class Places(msgspec.Struct, kw_only=True):
    """How far all files behind one path were read; the present one is the last.

    Attributes:
        finished: files that were rotated away and read to their end, the last ones.
        looked_ns: when it was last seen which files there are.
    """

    files: list[Place] = []
    finished: list[Place] = []
    looked_ns: int = 0


class Line(NamedTuple):
    """A line without its end; `is_cut` if it was longer."""

    data: bytes
    is_cut: bool


class _Open:
    """A file that is being read."""

    def __init__(self, path: Path, place: Place, *, present: bool) -> None:
        self.path = path
        self.place = place
        self.present = present
        self.idle_since = -1.0
        self.packed = path.suffix == ".gz"
        self.file = _opened(path)

    def read_at(self, offset: int, size: int) -> bytes:
        if not self.packed:
            return os.pread(self.file.fileno(), size, offset)
        self.file.seek(offset)
        return self.file.read(size)

    def same(self) -> bool:
        """Whether it still holds what was read of it; what is packed changes no more."""
        place = self.place
        if self.packed:
            return True
        size = os.fstat(self.file.fileno()).st_size
        return size >= max(place.offset, place.marked) and _fits(self.read_at, place)

    def mark(self) -> None:
        """Mark the last bytes read, and more of the first ones, as long as there are few."""
        place = self.place
        if self.packed:
            return
        if place.last_at != place.offset:
            start = max(0, place.offset - MARK_BYTES)
            place.last = _mark(self.read_at(start, place.offset - start))
            place.last_at = place.offset
        if self.place.marked < MARK_BYTES:
            head = self.read_at(0, MARK_BYTES)
            self.place.marked, self.place.mark = len(head), _mark(head)


def _opened(path: Path) -> IO[bytes]:
    """Open a file to be kept open; what was packed meanwhile is read all the same."""
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(path, "rb"))
    return path.open("rb", buffering=0)


def _mark(head: bytes) -> str:
    return blake2b(head, digest_size=12).hexdigest() if head else ""


class Growing:
    """Reads one path.

    Args:
        path: of the file; it need not be there.
        places: how far it was read; None if it never was.
        line_max: what of a line is beyond it is cut off.
        from_start: of a file never seen: begin at its start, not at its end.

    Attributes:
        gaps: files that had not been read to their end and are no more.
        moved: whether the last reading came further, be it through what is passed by.
    """

    def __init__(
        self, path: Path, places: Places | None, line_max: int, *, from_start: bool
    ) -> None:
        self.path = path
        self.gaps = 0
        self.moved = False
        self._line_max = line_max
        self._piece = max(PIECE, 2 * line_max)
        self._open: list[_Open] = []
        self._finished: list[Place] = [] if places is None else places.finished
        self._looked_ns = time.time_ns() if places is None else places.looked_ns
        if places is None:
            self._first(from_start)
        else:
            self._again(places)

    def places(self) -> Places:
        """Return how far everything was read."""
        return Places(files=[each.place for each in self._open], finished=self._finished,
                      looked_ns=self._looked_ns)  # fmt: skip

    def close(self) -> None:
        """Let go of all files."""
        for each in self._open:
            each.file.close()
        self._open.clear()

    def read(self, now_s: float) -> Iterator[Line]:
        """Yield the lines of the next piece, oldest file first; nothing if there is none.

        After each line, `places` says that it was read, and whatever stands behind it was not.
        """
        self._look()
        self.moved = False
        for each in list(self._open):
            data = each.read_at(each.place.offset, self._piece)
            if not each.same():
                self._truncated(each)
                self.moved = True
                return
            each.mark()
            lines = list(self._lines(each.place, data))
            if lines:
                self.moved = True
                each.idle_since = -1.0
                for line, offset, skipping in lines:
                    each.place.offset, each.place.skipping = offset, skipping
                    if line is not None:
                        yield line
                each.mark()
                return
            if each.present:
                return
            if each.idle_since < 0:
                each.idle_since = now_s
            elif now_s - each.idle_since >= (0.0 if each.packed else LINGER_S):
                yield from self._finish(each, data)

    def _lines(self, place: Place, data: bytes) -> Iterator[tuple[Line | None, int, bool]]:
        """Yield (line, offset behind it, whether the rest of it is passed by)."""
        at, base, skipping = 0, place.offset, place.skipping
        while True:
            end = data.find(b"\n", at)
            if end < 0:
                break
            if not skipping:
                yield self._line(data[at:end]), base + end + 1, False
            else:
                yield None, base + end + 1, False
            skipping, at = False, end + 1
        left = len(data) - at
        if skipping and left:
            yield None, base + len(data), True
        elif left > self._line_max:
            yield Line(data[at : at + self._line_max], True), base + len(data), True

    def _line(self, text: bytes) -> Line:
        text = text.removesuffix(b"\r")
        is_cut = len(text) > self._line_max
        return Line(text[: self._line_max] if is_cut else text, is_cut)

    # ------------------------------------------------------------------ which files there are

    def _first(self, from_start: bool) -> None:
        """Begin with a path that was never read."""
        opened = self._add(self.path, present=True)
        if opened is None or from_start:
            return
        size = os.fstat(opened.file.fileno()).st_size
        opened.place.offset = size
        opened.place.skipping = size > 0 and opened.read_at(size - 1, 1) != b"\n"
        opened.mark()

    def _again(self, places: Places) -> None:
        """Find what was being read, wherever it was moved to meanwhile, and what came after it."""
        for place in places.files:
            found = self._found(place)
            if found is None:
                self.gaps += 1
                continue
            stat = found.stat()
            place.device, place.inode = stat.st_dev, stat.st_ino
            self._open.append(_Open(found, place, present=found == self.path))
        self._between()
        self._look()

    def _found(self, place: Place) -> Path | None:
        """Return the file of a place: by its inode, else by its first bytes."""
        candidates = [self.path, *self._siblings()]
        for path in candidates:
            if _is(path, place) and _holds(path, place):
                return path
        for path in candidates[1:]:
            if place.marked and _holds(path, place):
                return path
        return None

    def _siblings(self) -> list[Path]:
        """Return what the file may have been rotated to, the oldest first."""
        stem, suffix = re.escape(self.path.stem), re.escape(self.path.suffix)
        rotated = re.compile(
            rf"{stem}{suffix}[.-].*(?<!\.xz)(?<!\.bz2)(?<!\.zst)"  # access.log.1, access.log-2026
            rf"|{stem}[.-]\d[\d._T-]*{suffix}(\.gz)?"  # access-2026.log
        )
        try:
            found = [path for path in self.path.parent.iterdir() if rotated.fullmatch(path.name)]
        except OSError:
            return []
        dated = [(stat.st_mtime_ns, path) for path in found
                 if (stat := _stat(path)) is not None]  # fmt: skip
        return [path for _, path in sorted(dated)]

    def _look(self) -> None:
        """Notice that another file stands at the path."""
        stat, looked_ns = _stat(self.path), time.time_ns()
        present = next((each for each in self._open if each.present), None)
        if present is not None and not _is(self.path, present.place):
            present.present = False
            present.idle_since = -1.0
            present = None
        if present is not None and not present.place.marked:
            self._between()  # it may have been filled and emptied unseen
        if present is None:
            self._between()
            known = next((each for each in self._open if _is(self.path, each.place)), None)
            if known is not None:  # moved away and back
                known.present = True
            elif stat is not None:
                self._add(self.path, present=True)
        self._looked_ns = looked_ns

    def _between(self) -> None:
        """Open files that came and went while nobody looked: written since, and read by nobody."""
        every = [self.path, *self._siblings()]
        for path in every[1:]:
            known = [*(each.place for each in self._open), *self._finished]
            stat = _stat(path)
            if stat is None or not stat.st_size or stat.st_mtime_ns < self._looked_ns - _GRAIN_NS:
                continue
            if not any(_is_known(path, place, every) for place in known):
                self._add(path, present=False)
        self._open.sort(key=lambda each: each.present)

    def _add(self, path: Path, *, present: bool) -> _Open | None:
        try:
            stat = path.stat()
            opened = _Open(path, Place(device=stat.st_dev, inode=stat.st_ino), present=present)
        except FileNotFoundError:
            return None
        self._open.append(opened)
        return opened

    def _truncated(self, each: _Open) -> None:
        """Begin anew with a file that was emptied; its copy has what was not read yet."""
        before = each.place
        copies = [path for path in self._siblings()
                  if before.marked and not _is(path, before) and _holds(path, before)]  # fmt: skip
        if before.marked:
            self.gaps += not copies
        else:
            self._between()
        for path in copies[-1:]:
            stat = path.stat()
            copy = msgspec.structs.replace(before, device=stat.st_dev, inode=stat.st_ino)
            self._open.insert(self._open.index(each), _Open(path, copy, present=False))
        each.place = Place(device=before.device, inode=before.inode)
        each.mark()

    def _finish(self, each: _Open, rest: bytes) -> Iterator[Line]:
        """Be done with a file that was rotated away; its last line may have no end."""
        self._finished = [*self._finished[1 - _FINISHED_MAX :], each.place]
        self._open.remove(each)
        each.place.offset += len(rest)
        each.file.close()
        if rest and not each.place.skipping:
            yield self._line(rest)


def _is(path: Path, place: Place) -> bool:
    stat = _stat(path)
    return stat is not None and (stat.st_dev, stat.st_ino) == (place.device, place.inode)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _fits(read_at: Callable[[int, int], bytes], place: Place) -> bool:
    """Whether bytes are those that a place was made of."""
    if _mark(read_at(0, place.marked)) != place.mark:
        return False
    start = max(0, place.last_at - MARK_BYTES)
    return _mark(read_at(start, place.last_at - start)) == place.last


def _is_known(path: Path, place: Place, every: Sequence[Path]) -> bool:
    """Whether a file is the one of a place: by its inode, or as all that is left of it.

    A file that begins like another one is not that one as long as the other is there itself.
    """
    if not place.marked:
        return _is(path, place)
    if not _holds(path, place):
        return False
    return _is(path, place) or not any(_is(it, place) and _holds(it, place) for it in every)


def _holds(path: Path, place: Place) -> bool:
    """Whether a file, wherever it is by now, holds what was read up to a place."""
    try:
        with _opened(path) as file:

            def read_at(offset: int, size: int) -> bytes:
                file.seek(offset)
                return file.read(size)

            return _fits(read_at, place)
    except (OSError, EOFError):
        return False
