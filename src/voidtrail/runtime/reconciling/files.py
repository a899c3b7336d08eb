"""A bill's file: plain, zipped (with names in GBK) or gzipped; its digest, encoding and form.

It is read twice and never held: once for its digest and encoding, once for its rows.
"""

from __future__ import annotations

import gzip
import hashlib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, NamedTuple

from voidtrail.errors import FileInvalid
from voidtrail.sources.bill import FORMS
from voidtrail.sources.bill_reading import Encoding, lines_of

_CHUNK: Final = 1 << 20
_SUMMARY: Final = ("汇总", "summary")
_UTF8_NAME: Final = 0x800


class BillFile(NamedTuple):
    """A file that was looked at.

    Attributes:
        member: which file of the archive; "" if it is none.
        digest: SHA-256 of the bill itself, out of its archive.
        size: bytes of the bill itself.
        form: name of the form in `FORMS`; "" if none recognises it.
    """

    path: Path
    member: str
    digest: str
    size: int
    encoding: str
    form: str

    def lines(self, told: Callable[[int], None]) -> Iterator[str]:
        """Yield the bill's lines; `told` hears how many bytes were read.

        Raises:
            FileInvalid: the archive is broken within.
        """
        return lines_of(_chunks(self.path, self.member, told), self.encoding)


def look(path: Path, told: Callable[[int], None]) -> BillFile:
    """Look at a bill's file.

    Args:
        path: the file.
        told: hears how many bytes were read.

    Raises:
        FileInvalid: it is absent, broken, or an archive with several bills.
    """
    member = _member(path)
    digest, encoding, size, start = hashlib.sha256(), Encoding(), 0, b""
    for chunk in _chunks(path, member, told):
        digest.update(chunk)
        encoding.feed(chunk)
        size += len(chunk)
        if len(start) < 4096:
            start += chunk[:4096]
    if not size:
        raise FileInvalid(f"{path.name}: is empty")
    name = encoding.name()
    text = start.decode(name, "replace").lstrip("\ufeff")
    form = next((each for each, module in FORMS.items() if module.recognises(text)), "")
    return BillFile(path, member, digest.hexdigest(), size, name, form)


def _member(path: Path) -> str:
    """Return which file of a zip is the bill; "" if the file is none."""
    try:
        if not zipfile.is_zipfile(path):
            return ""
        with zipfile.ZipFile(path) as archive:
            names = {info.filename: _name(info) for info in archive.infolist()
                     if not info.is_dir()}  # fmt: skip
    except (OSError, zipfile.BadZipFile) as error:
        raise FileInvalid(f"{path.name}: cannot be read: {error}") from None
    bills = [raw for raw, name in names.items()
             if not any(word in name.lower() for word in _SUMMARY)]  # fmt: skip
    if len(bills) != 1:
        known = ", ".join(sorted(names.values())) or "nothing"
        raise FileInvalid(f"{path.name}: holds {len(bills)} bills ({known}); unpack the one meant")
    return bills[0]


def _name(info: zipfile.ZipInfo) -> str:
    """Return a name as it was written: names without the flag of UTF-8 are GBK."""
    if info.flag_bits & _UTF8_NAME:
        return info.filename
    return info.filename.encode("cp437", "replace").decode("gb18030", "replace")


@contextmanager
def _opened(path: Path, member: str) -> Iterator[IO[bytes]]:
    if member:
        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            yield file
        return
    with path.open("rb") as raw:
        magic = raw.read(2)
        raw.seek(0)
        if magic == b"\x1f\x8b":
            with gzip.open(raw) as file:
                yield file  # type: ignore[misc]
        else:
            yield raw


def _chunks(path: Path, member: str, told: Callable[[int], None]) -> Iterator[bytes]:
    done = 0
    try:
        with _opened(path, member) as file:
            while chunk := file.read(_CHUNK):
                done += len(chunk)
                told(done)
                yield chunk
    except (OSError, EOFError, zipfile.BadZipFile) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FileInvalid(f"{path.name}: cannot be read: {reason}") from None
