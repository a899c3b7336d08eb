"""What errors say when a command or a page cannot do what it was asked for (see `retelling`)."""

from __future__ import annotations

from typing import Final

from voidtrail.runtime.text import later
from voidtrail.runtime.wording.distrust import DISTRUST
from voidtrail.runtime.wording.misfits import MISFITS

_REFUSALS: Final[tuple[str, ...]] = (
    # who or what is meant
    later("account {name}: {why}"),
    later("account {name}, description: {path}: {why}"),
    later("account {name}, description: the text is not valid TOML: {why}"),
    later("there is no source {source}; known: {names}"),
    later("source {source} has no account {account}; add an [[account]] to the settings"),
    later("source {source} has several accounts; say which with --account: {names}"),
    later("the settings have no [[account]]: write one, or name them with --config"),
    later("which account? --account {name}; {hint}"),
    later("the ledger holds nothing of account {name}"),
    later("there is no endpoint {name} in the settings; known: {names}"),
    later("there is no endpoint {name} in the settings; known: none"),
    later("endpoint {name} has no dead letter {key}; see `voidtrail hooks dead`"),
    later("there is no incident {number} at hand; see voidtrail alerts list"),
    later("there is no delivery {number}"),
    later(
        "no order, payment or operation is called {reference}; give the reference as the "
        "shop or the platform writes it"
    ),
    later("{reference} is the name of {count} orders; say which: {names}"),
    later("{reference} is the name of {count} payments; say which: {names}"),
    later("no success came late for {reference}"),
    later("{reference} has {count} late successes; say which: {names}"),
    later("; did you mean {name}?"),
    later(" (did you mean {names}?)"),
    later("did you mean {name}?"),
    later("; known: {names}"),
    later(" (known: {names})"),
    later("known: {names}"),
    # what was asked for
    later("say what the file is: --map MAPPING for a table, or --source pos"),
    later("--html and --pdf take neither --by nor --as-of"),
    later("say what: an order or payment, and one of --honour, --refund, --approve"),
    later("--by needs a name; known: {names}"),
    later("no statement carries a public dimension {name}; known: {names}"),
    later("{word} is not known; known: {names}"),
    later("language {language} is not known; known: {names}"),
    later("{code} is not a currency's code; write it as CNY"),
    later("amounts of different currencies are not compared; name a currency"),
    later("{text} is not a date; write it as 2026-03-01"),
    later("{text} is not a day; write it as 2026-03-01"),
    later("--on {text} is not a day like 2026-03-01"),
    later("{since} to {until} are no dates; write them as 2026-03-01"),
    later("{text} is not a date or instant; write 2026-03-01 or 2026-03-01T12:00:00+08:00"),
    later("the period ends before it begins: {since} to {until}"),
    later("a report is of 1 to {days} days: give --since and --until"),
    later("this report is still being counted; ask again in a minute"),
    later("the address of this page is damaged; begin with the first page"),
    later("who opens a delivery says why"),
    # late successes, and what platforms are told to do
    later("{payment} is resolved already: {how} by {who}"),
    later("nothing was proposed about {payment}; say --refund first"),
    later("{payment}: the one who proposed the refund cannot approve it; ask another"),
    later("refunds are switched off: set seal.refunds to dry_run or on"),
    later("{account} cannot be told to {verb}"),
    later("the account is no longer in the settings"),
    later("the payment is not known at this account"),
    later("the platform did not say how the payment stands"),
    later("no answer that can be trusted"),
    later("the platform cannot say: {code}"),
    later("the platform is left alone for now"),
    later("refunds are not on"),
    later("refused: {code}"),
    later("no such endpoint in the settings"),
    later("the endpoint is out of service"),
    later("there is no channel {name} any more"),
    later("could not be reached"),
    later("no answer within {seconds} s"),
    later("the carrier failed: {kind}"),
    # the ledger and its keys
    later("there is no ledger at {path}; name it with --db or VOIDTRAIL_DB"),
    later("{path} cannot be read as a ledger: {why}"),
    later(
        "{path}: {name} is {found} and not {wanted}; a delivery could be lost after it "
        "was acknowledged. Use a local disk that supports WAL."
    ),
    later("{path}: another process has been writing for {seconds} s"),
    later(
        "the ledger {path} could not be written ({why}); nothing was acknowledged. Free "
        "space or mend the disk, then restart."
    ),
    later("the ledger {path} has stopped: {why}"),
    later("writing failed: {kind}"),
    later("the verifier failed: {kind}"),
    later("key file {path} can be read by others; run: chmod 600 {path_again}"),
    later("{path} is not a key file of Voidtrail (96 bytes)"),
    later("the key file does not belong to this ledger"),
    later("data key {number} was erased; what it sealed cannot be read again"),
    later("data key {number} was erased; delivery {delivery} is unreadable"),
    later("what data key {number} sealed was changed"),
    # files, tables and bills
    later("{path} cannot be written: {why}"),
    later("file {path} cannot be read: {why}"),
    later("{path}: cannot be read: {why}"),
    later("{path}: cannot be read as Parquet: {why}"),
    later("{path}: broken within: {why}"),
    later("{path}: line {line}: {why}"),
    later("{path}: is empty"),
    later("{path}: is empty; the first line must name the columns"),
    later("{path}: over 1 MiB; no platform sends so much"),
    later("{path}: is neither UTF-8 nor GBK; save it as UTF-8 and try again"),
    later("{path}: an ending {ending} is not known (known: {names})"),
    later("{path}: two columns are called {name}; rename one"),
    later("mapping file {path} cannot be read: {why}"),
    later("mapping file {path} is not UTF-8; save it as UTF-8"),
    later("account {name}: a name must not hold a slash"),
    later("account table/{name} stands in the settings; change its {field} there"),
    later("{path}: holds {count} bills ({names}); unpack the one meant"),
    later("{path}: holds {count} bills (nothing); unpack the one meant"),
    later("{path}: no form of bill that is known ({names}); say with --map what its columns mean"),
    later("{path} is a bill of {source}, not of {asked}"),
    later("the bill is of {found}, not of {day}"),
    later(
        "the bill is of account {found}, but {account} is {ours}; name the right account "
        "with --account"
    ),
    later("the bill holds no payment and does not say of which day it is: say --day"),
    # what is outside of us
    later("the simulator needs the package {name}; install voidtrail[simulate]"),
    later("{path} holds other things; name an empty folder"),
    later("the server did not start; its log ends: {text}"),
    later("{account}: status {status}"),
    later("{account}: an answer of over 1 MiB"),
    later("{account}: no access token: are its credentials right?"),
    later("no PDF was made within {seconds} s"),
    later(
        "setting the page ended with {code} ({said}). Without any font on the machine the"
        " library breaks down: {why}"
    ),
    later(
        "making a PDF needs Pango, a library of the system: on Debian and Ubuntu apt "
        "install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0, on macOS brew "
        "install pango; or use --html and print it from a browser"
    ),
    later(
        "no font here can write Chinese: on Debian and Ubuntu apt install fonts-noto-cjk,"
        " or run scripts/assets in a source checkout; or use --html and print it from a "
        "browser"
    ),
)
BENEATH: Final[tuple[str, ...]] = (
    # the operating system and SQLite
    later("[Errno {number}] {why}"),
    later("[Errno {number}] {why}: {path}"),
    later("No such file or directory"),
    later("{path}: No such file or directory"),
    later("Permission denied"),
    later("{path}: Permission denied"),
    later("Is a directory"),
    later("{path}: Is a directory"),
    later("Not a directory"),
    later("{path}: Not a directory"),
    later("File exists"),
    later("No space left on device"),
    later("Read-only file system"),
    later("Address already in use"),
    later("database is locked"),
    later("disk I/O error"),
    later("database or disk is full"),
    later("unable to open database file"),
    later("file is not a database"),
    later("attempt to write a readonly database"),
    # readers of TOML and of values
    later("{why} (at line {line}, column {column})"),
    later("{why} (at end of document)"),
    later("Invalid value"),
    later("Invalid statement"),
    later("Cannot overwrite a value"),
    later("Expected '=' after a key in a key/value pair"),
    later("Expected newline or end of document after a statement"),
    later("Invalid enum value {value} - at `{path}`"),
    later("Expected `{kind}`, got `{given}`"),
    later("Expected `{kind}`, got `{given}` - at `{path}`"),
    later("Object missing required field `{field}` - at `{path}`"),
    later("Object missing required field `{field}`"),
    later("Invalid enum value {value}"),
    later("{address} does not appear to be an IPv4 or IPv6 network"),
    later("{address} has host bits set"),
)
"""What those beneath us say, of which our own sentences tell: only what people run into."""

COMPLAINTS: Final = (*_REFUSALS, *MISFITS, *DISTRUST, *BENEATH)
