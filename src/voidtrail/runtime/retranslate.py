"""Deliveries read again under the present translators (house rule 4).

A delivery whose translator has a newer version, or that stands in quarantine, is opened, translated
and written as a repetition of itself: its content is not kept twice, its new statements take the
place of the old ones. A statement that the new translation no longer makes is followed by a
tombstone that says nothing. What was erased cannot be read again; it is counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from voidtrail.errors import AccountUnknown, KeyErased, SourceUnknown
from voidtrail.event.account import Account
from voidtrail.event.codec import HEAD, RECORD, Encoded, Record, digest_of
from voidtrail.event.model import Delivery, Kind, Micros, Result, Tag
from voidtrail.event.reason import pack
from voidtrail.ledger.contract import QUARANTINED, SLICE_MAX, UNDERSTOOD, DeliveryRow, Item
from voidtrail.ledger.keys import WrappedKey
from voidtrail.runtime import envelope
from voidtrail.runtime.app import House
from voidtrail.runtime.files import REVISION, mapping_text
from voidtrail.runtime.preparing import Entry, item_of, prepare
from voidtrail.runtime.revisions import Progress
from voidtrail.runtime.turns import Turns
from voidtrail.sources.table import MAPPING_OPTION, NAME

_GONE: Final = "retracted"


class Retranslated(msgspec.Struct, frozen=True, kw_only=True):
    """What reading again did.

    Attributes:
        deliveries: read again.
        events: statements that are new or say something else now.
        duplicates: statements that were known in just this translation.
        retracted: statements that are made no longer.
        recovered: deliveries that left the quarantine.
        unreadable: deliveries that still cannot be read.
        erased: deliveries that can never be read again.
    """

    deliveries: int = 0
    events: int = 0
    duplicates: int = 0
    retracted: int = 0
    recovered: int = 0
    unreadable: int = 0
    erased: int = 0


class Again(NamedTuple):
    """A delivery read again: what is to be appended, if anything; else where reading stopped."""

    item: Item | None
    retracted: int
    was_quarantined: bool
    erased: bool = False
    path: str = ""
    why: str = ""


def retranslate(
    house: House, source: str, *, account: str = "", progress: Progress | None = None
) -> Retranslated:
    """Read deliveries of a source again.

    Args:
        house: the house; nobody else writes through its ledger meanwhile.
        source: name of the source.
        account: only of this account; "" takes all of the source's.
        progress: told how far it is.

    Raises:
        SourceUnknown, AccountUnknown: there is none of that name.
        LedgerStopped: the ledger could not be written; run it again to go on.
    """
    reader = Rereader(house, source, account)
    turns = Turns(house)
    total = house.ledger.head().entries
    counts = dict.fromkeys(Retranslated.__struct_fields__, 0)
    turns.tick()
    for rows in reader.stale():
        read = [reader.again(row) for row in rows]
        items = [each.item for each in read if each.item is not None]
        for start, stop in turns.parts(len(items)):
            with turns.turn(stop - start) as ledger:
                receipts = ledger.append(items[start:stop], house.clock())
            counts["events"] += sum(receipt.new for receipt in receipts)
            counts["duplicates"] += sum(receipt.duplicates for receipt in receipts)
        for each in read:
            counts["deliveries"] += 1
            counts["retracted"] += each.retracted
            counts["erased"] += each.erased
            counts["unreadable"] += not each.erased and each.item is None
            counts["recovered"] += each.was_quarantined and each.item is not None
        if progress is not None:
            progress("retranslate", rows[-1].seq, total)
    turns.tick()
    counts["events"] -= counts["retracted"]
    return Retranslated(**counts)


class Rereader:
    """Opens kept deliveries of a source and translates them.

    Args:
        house: the house.
        source: name of the source.
        account: only of this account; "" takes all of the source's.

    Raises:
        SourceUnknown, AccountUnknown: there is none of that name.
    """

    def __init__(self, house: House, source: str, account: str) -> None:
        if source not in house.sources:
            known = ", ".join(sorted(house.sources))
            raise SourceUnknown(f"there is no source {source!r}; known: {known}")
        self.house = house
        self.db = house.ledger.db
        self.entries = {
            no: self._entry(no, each) for no, each in house.ledger.accounts().items()
            if each.source == source and account in ("", each.name)
        }  # fmt: skip
        if account and not self.entries:
            raise AccountUnknown(f"the ledger holds nothing of account {source}/{account}")

    def _entry(self, no: int, account: Account) -> Entry:
        known = self.house.by_no.get(no)
        if known is not None:
            return known
        source = self.house.sources[account.source]
        return Entry(no=no, account=account, secrets={}, source=source,
                     identity=f"{account.source}/{account.name}", quiet=True,
                     homes=self.house.homes)  # fmt: skip

    def stale(self) -> Iterator[list[DeliveryRow]]:
        """Yield slices of kept deliveries that a newer translator, or any, may read anew."""
        db, after = self.db, 0
        numbers = ", ".join(map(str, self.entries)) or "-1"
        columns = ", ".join(f"d.{name}" for name in DeliveryRow._fields)
        while True:
            rows = [
                DeliveryRow(*row)
                for row in db.execute(
                    f"SELECT {columns} FROM delivery d LEFT JOIN file f ON f.no = d.file_no "
                    f"WHERE d.seq > ? AND d.account_no IN ({numbers}) AND d.sealed IS NOT NULL "
                    "AND f.superseded_by IS NULL ORDER BY d.seq LIMIT ?", (after, SLICE_MAX),
                )
            ]  # fmt: skip
            if not rows:
                return
            after = rows[-1].seq
            latest = self._latest([row.seq for row in rows])
            stale = [row for row in rows if self._is_stale(row, latest.get(row.seq))]
            if stale:
                yield stale

    def _latest(self, seqs: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Return of deliveries that were read again: newest version, and whether understood."""
        rows = self.db.execute(
            "SELECT repeat_of, max(version), min(outcome) FROM delivery "
            f"WHERE repeat_of BETWEEN ? AND ? AND repeat_of IN ({', '.join(map(str, seqs))}) "
            "GROUP BY repeat_of", (min(seqs), max(seqs)),
        )  # fmt: skip
        return {seq: (version, outcome) for seq, version, outcome in rows}

    def _is_stale(self, row: DeliveryRow, latest: tuple[int, int] | None) -> bool:
        version, outcome = latest or (row.version, row.outcome)
        return outcome == QUARANTINED or max(version, row.version) < self._version(row)

    def _version(self, row: DeliveryRow) -> int:
        """Return the version of a delivery's translation now; a file keeps its mapping's."""
        version = self.entries[row.account_no].source.VERSION
        return version + REVISION * (row.version // REVISION)

    def again(self, row: DeliveryRow) -> Again:
        """Open and translate one delivery."""
        was = row.outcome == QUARANTINED
        entry = self._with_mapping(self.entries[row.account_no], row)
        try:
            plain = self.open(row)
        except KeyErased:
            return Again(None, 0, was, erased=True)
        account = entry.account
        delivery = envelope.unpack(plain, source=account.source, account=account.name,
                                   received_at=row.received_at, via=row.via)  # fmt: skip
        version = self._version(row)
        item = prepare(delivery, entry, self.house.keyring, file_no=row.file_no)
        if item.outcome != UNDERSTOOD:
            return Again(None, 0, was, path=item.path, why=item.why)
        if version != item.version:
            found = entry.source.translate(delivery, account, entry.secrets)
            item = item_of(delivery, found, entry, self.house.keyring, file_no=row.file_no,
                           version=version)  # fmt: skip
        gone = self._gone(row, item, version)
        item = item._replace(digest=row.digest, repeat_of=row.seq, quiet=True,
                             events=[*item.events, *gone])  # fmt: skip
        return Again(item, len(gone), was)

    def delivery(self, row: DeliveryRow) -> Delivery:
        """Return a delivery as it was received, card numbers masked.

        Raises:
            KeyErased: it can never be read again.
        """
        account = self.entries[row.account_no].account
        return envelope.unpack(self.open(row), source=account.source, account=account.name,
                               received_at=row.received_at, via=row.via)  # fmt: skip

    def open(self, row: DeliveryRow) -> bytes:
        """Return what is sealed of a delivery.

        Raises:
            KeyErased: its key is no more.
        """
        keyring = self.house.keyring
        key = self.db.execute(
            "SELECT no, subject, retention, wrapped FROM data_key WHERE no = ?", (row.key_no,)
        ).fetchone()
        if key is None or row.sealed is None:
            raise KeyErased(f"data key {row.key_no} was erased; delivery {row.seq} is unreadable")
        keyring.unwrap(WrappedKey(*key))
        return keyring.open(key[0], row.sealed, row.digest)

    def _with_mapping(self, entry: Entry, row: DeliveryRow) -> Entry:
        """Return the account with the mapping under which its file was last imported."""
        if entry.account.source != NAME or row.file_no is None:
            return entry
        found = self.db.execute("SELECT mapping FROM file WHERE no = ?", (row.file_no,))
        (digest,) = found.fetchone()
        text = mapping_text(self.house, digest)
        if text is None or entry.account.options.get(MAPPING_OPTION) == text:
            return entry
        options = {**entry.account.options, MAPPING_OPTION: text}
        return entry._replace(account=msgspec.structs.replace(entry.account, options=options))

    def _gone(self, row: DeliveryRow, item: Item, version: int) -> list[Encoded]:
        """Return tombstones of the delivery's statements that are made no longer."""
        made = {encoded.rest[RECORD.index("event_id") - HEAD] for encoded in item.events}
        repeats = [seq for (seq,) in self.db.execute(
            "SELECT seq FROM delivery WHERE repeat_of = ?", (row.seq,))]  # fmt: skip
        found = []
        for seq in (row.seq, *repeats):
            (end,) = self.db.execute(
                "SELECT coalesce((SELECT min(seq) FROM delivery WHERE seq > ?1), 1 << 62)", (seq,)
            ).fetchone()
            for text, *columns in self.db.execute(
                f"SELECT n.text, {', '.join(f'e.{name}' for name in RECORD)} FROM event e "
                "JOIN name n ON n.no = e.name_no WHERE e.seq > ? AND e.seq < ? AND e.active = 1 "
                "AND e.delivery_id = ?", (seq, end, seq),
            ):  # fmt: skip
                record = Record._make(columns)
                if record.event_id not in made and record.code != _GONE:
                    found.append(_tombstone(record, version, text))
        return found


def _tombstone(record: Record, version: int, name: str) -> Encoded:
    """Return a statement that takes a statement's place and says nothing."""
    at: Micros = record.occurred_at
    empty = record._replace(
        version=version, kind=int(Kind.OTHER), result=int(Result.UNKNOWN), tag=int(Tag.NONE),
        life=0, cause=0, names=b"", order_key=None, op=None, reverses=None, until_at=None,
        amount_minor=None, currency=None, packed=pack(0, at, record.role), method_seen=None,
        operation="", code=_GONE, dimensions="",
    )  # fmt: skip
    empty = empty._replace(digest=digest_of(empty))
    return Encoded(tuple(empty)[HEAD:], ((record.name_key, name),), None, "")
