"""CSV, Parquet and JSON lines: years of history, by a mapping file.

A table is a witness: it tells of money that others hold. Every row (or group of line items) becomes
one delivery whose body is the raw row, and the statements that the mapping draws from it. The
reading of files is `voidtrail.runtime.tables`; here are pure functions over frames, which are only
loaded where a table is read: a server that never sees one does without Polars.
"""

from __future__ import annotations

from typing import Final

from voidtrail.errors import MappingInvalid, SignatureInvalid
from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Acknowledgement, Delivery, Micros, Role, Unreadable, Via
from voidtrail.sources.contract import (
    Capabilities,
    Identity,
    Outcome,
    ReasonRow,
    Row,
    Translation,
    never_asked,
    never_told,
)

NAME: Final = "table"
VERSION: Final = 1
CAPABILITIES: Final = Capabilities(
    title="Table (CSV, Parquet, JSON lines)", bill_file=True, amount_unit="major"
)
IDENTITY: Final = Identity(
    fields=("SHA-256 of the file", "ordinal of the row, or of the first row of its group"),
    role=Role.IMPORT,
)
"""Equal line items are real, so nothing that a row says can name it: only its place can. The label
is the statement's own words, `kind:result:column of the instant` (with `#2` for the second of the
same), so that an `[[event]]` may be added or moved without renaming the others."""

EVENTS: Final[dict[str, Row]] = {}
"""Empty: what a row means is written in the mapping file, not known beforehand."""

REASONS: Final[dict[str, ReasonRow]] = {}
"""Empty: a mapping names standard reasons; any other text is kept as the code of `unlisted`."""

MAPPING_OPTION: Final = "mapping"
"""The account's option that holds the text of the mapping file, for `translate`."""


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Refuse what did not come from a file: nobody can push rows over the network.

    Raises:
        SignatureInvalid: the delivery was pushed.
    """
    if delivery.via is not Via.FILE:
        raise SignatureInvalid(
            f"account {delivery.account}: rows of a table come only from a file; "
            "import it with `voidtrail ingest`"
        )


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read a row again, by the mapping file in the account's option "mapping"."""
    text = account.options.get(MAPPING_OPTION, "")
    if not text:
        return Unreadable(
            path="mapping", why=f"the mapping file of digest {delivery.context[:16]} is needed"
        )
    from voidtrail.sources.table.mapping import parse_mapping
    from voidtrail.sources.table.reread import retranslate

    try:
        mapping = parse_mapping(text)
    except MappingInvalid as error:
        return Unreadable(path="mapping", why=str(error))
    return retranslate(delivery, mapping, account)


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return an answer for the protocol's sake; a file waits for none."""
    return Acknowledgement(status=200 if outcome is Outcome.KEPT else 503)


query: Final = never_asked  # a file cannot be asked
act: Final = never_told
