"""The whole tree of refusals: each has a stable code, advice on retrying and a full sentence.

A message says what happened, to which id, why, and what to do next. Bad input from outside is
not here: it is a value (`voidtrail.event.Unreadable`). A bug is an `assert`.
"""

from __future__ import annotations

from typing import ClassVar, Literal

Retry = Literal["never", "later", "after_fix"]


class VoidtrailError(Exception):
    """A refusal with a name.

    Attributes:
        code: stable identifier, part of the public interface.
        retry: whether the same call can succeed later, after a fix, or never.
    """

    code: ClassVar[str] = "voidtrail"
    retry: ClassVar[Retry] = "never"


class WrongUse(VoidtrailError):
    """The caller asked for something that cannot be asked for (exit code 2, HTTP 400)."""

    code = "wrong_use"
    retry: ClassVar[Retry] = "after_fix"


class SettingUnknown(WrongUse):
    """A setting's name is not known; the message lists the nearest known ones."""

    code = "setting_unknown"


class SettingInvalid(WrongUse):
    """A setting has a value that cannot be used."""

    code = "setting_invalid"


class MappingInvalid(WrongUse):
    """A mapping file of the table source cannot be used; the message names the field."""

    code = "mapping_invalid"


class FileInvalid(WrongUse):
    """A file cannot be read at all: absent, of an unknown form or encoding, or broken."""

    code = "file_invalid"


class NotPossible(WrongUse):
    """A platform cannot be told to do it, or the account lacks the credentials for it."""

    code = "not_possible"


class BillMismatch(WrongUse):
    """A platform's bill is of another day, another account or another platform than was said."""

    code = "bill_mismatch"


class NotFound(WrongUse):
    """No order, payment, delivery or account has the name that was asked for."""

    code = "not_found"
    retry: ClassVar[Retry] = "never"


class Refused(VoidtrailError):
    """A delivery was not accepted because its sender could not be proved."""

    code = "refused"


class SignatureMissing(Refused):
    """The header or field that should carry the signature is absent or empty."""

    code = "signature_missing"


class SignatureInvalid(Refused):
    """The signature does not match the body under any of the account's keys."""

    code = "signature_invalid"


class SignatureExpired(Refused):
    """The signed instant lies outside of the platform's replay window."""

    code = "signature_expired"


class KeyUnknown(Refused):
    """The delivery names a key or certificate that the account does not hold."""

    code = "key_unknown"
    retry: ClassVar[Retry] = "after_fix"


class AccountMismatch(Refused):
    """The delivery is genuine but belongs to another merchant account."""

    code = "account_mismatch"


class SourceUnknown(NotFound):
    """No source has that name."""

    code = "source_unknown"


class AccountUnknown(NotFound):
    """No account of that name is configured for the source."""

    code = "account_unknown"


class OutsideFault(VoidtrailError):
    """Something outside of this process failed (exit code 3, HTTP 503)."""

    code = "outside_fault"
    retry: ClassVar[Retry] = "later"


class LedgerStopped(OutsideFault):
    """The ledger could not be written durably and has stopped; nothing was acknowledged."""

    code = "ledger_stopped"


class LedgerUnsafe(OutsideFault):
    """The store runs with settings under which an acknowledged delivery could be lost."""

    code = "ledger_unsafe"
    retry: ClassVar[Retry] = "after_fix"


class PaperUnavailable(OutsideFault):
    """No PDF can be made here: the message says which library or font is missing."""

    code = "paper_unavailable"
    retry: ClassVar[Retry] = "after_fix"


class KeyErased(VoidtrailError):
    """The data key of this subject was erased; what it sealed can never be read again."""

    code = "key_erased"


class PlatformUnavailable(OutsideFault):
    """A payment platform could not be asked, or its answer could not be trusted."""

    code = "platform_unavailable"
