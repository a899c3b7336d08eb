"""A disk in memory that loses its power: what was not flushed is there, torn, garbled or gone.

A VFS for apsw. Between two flushes a file's writes are only pending; an image of the disk after a
loss of power holds what was flushed and any part of the rest, by sectors of 512 bytes. WAL without
shared memory needs `locking_mode = EXCLUSIVE`, which SQLite allows on such a VFS.
"""

import os
import random
from pathlib import Path

import apsw

SECTOR = 512
_GARBLED = 0.05


class File:
    """A file: what is durable, what the system shows, and what is pending in between."""

    def __init__(self, content=b""):
        self.durable = bytearray(content)
        self.shown = bytearray(content)
        self.pending = []

    def write(self, data, offset):
        _put(self.shown, data, offset)
        self.pending.append((offset, bytes(data)))

    def truncate(self, size):
        del self.shown[size:]
        self.pending.append((size, None))

    def flush(self):
        for offset, data in self.pending:
            _change(self.durable, offset, data)
        self.pending.clear()

    def after_loss(self, rng, share):
        """Return the content after a loss of power that lets a share of pending sectors through."""
        content = bytearray(self.durable)
        for offset, data in self.pending:
            if data is None:
                if rng.random() < share:
                    _change(content, offset, data)
                continue
            start = 0
            while start < len(data):
                size = min(SECTOR - (offset + start) % SECTOR, len(data) - start)
                if rng.random() < share:
                    _put(content, data[start : start + size], offset + start)
                elif rng.random() < _GARBLED:
                    _put(content, rng.randbytes(size), offset + start)
                start += size
        return bytes(content)


def _change(content, offset, data):
    if data is None:
        del content[offset:]
    else:
        _put(content, data, offset)


def _put(content, data, offset):
    if len(content) < offset:
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


class Disk(apsw.VFS):
    """The VFS `name`; `at_risk` is called before every write and flush."""

    def __init__(self, name, at_risk=lambda: None):
        self.files = {}
        self.at_risk = at_risk
        self.label = name
        super().__init__(name, "")

    def image(self, folder, rng):
        """Write the disk as it is found after a loss of power into a folder."""
        share = rng.choice((0.0, 0.5, 0.5, 0.9))
        for path, file in self.files.items():
            Path(folder, os.path.basename(path)).write_bytes(file.after_loss(rng, share))

    def xFullPathname(self, name):
        return name

    def xOpen(self, name, flags):
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        return Handle(self, self.files.setdefault(path, File()))

    def xAccess(self, path, flags):
        return path in self.files

    def xDelete(self, path, sync):
        self.files.pop(path, None)


class Handle:
    """An open file as apsw wants it."""

    def __init__(self, disk, file):
        self.disk, self.file = disk, file

    def xRead(self, amount, offset):
        return bytes(self.file.shown[offset : offset + amount])

    def xWrite(self, data, offset):
        self.disk.at_risk()
        self.file.write(data, offset)

    def xTruncate(self, size):
        self.disk.at_risk()
        self.file.truncate(size)

    def xSync(self, flags):
        self.disk.at_risk()
        self.file.flush()

    def xFileSize(self):
        return len(self.file.shown)

    def xLock(self, level):
        pass

    def xUnlock(self, level):
        pass

    def xCheckReservedLock(self):
        return False

    def xFileControl(self, op, pointer):
        return False

    def xSectorSize(self):
        return SECTOR

    def xDeviceCharacteristics(self):
        return apsw.SQLITE_IOCAP_POWERSAFE_OVERWRITE

    def xClose(self):
        pass


def connection(disk_name, path, synchronous):
    """Open the ledger on the disk, with the house's settings as far as they concern durability."""
    db = apsw.Connection(
        path, vfs=disk_name,
        flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE,
    )  # fmt: skip
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    found = db.execute("PRAGMA journal_mode = WAL").fetchone()
    assert found == ("wal",), found
    db.execute(f"PRAGMA synchronous = {synchronous}")
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("PRAGMA wal_autocheckpoint = 120")  # losses must hit checkpoints, too
    return db


def seeded(seed):
    return random.Random(seed)
