"""A platform that nobody wrote a source for, connected by a description in the settings.

Each account brings its own description (the option `description`, see `custom_description`), so
that each has a source of its own, made by `described`: with the names of any other source, and held
to the same contract. Without a description nothing is accepted and nothing can be read.
"""

from __future__ import annotations

from base64 import b64encode
from binascii import unhexlify
from functools import lru_cache
from typing import Final

from voidtrail.errors import (
    AccountMismatch,
    KeyUnknown,
    SettingInvalid,
    SignatureExpired,
    SignatureInvalid,
    SignatureMissing,
    WrongUse,
)
from voidtrail.event.account import Account, Secrets
from voidtrail.event.model import Acknowledgement, Delivery, Kind, Micros, Result
from voidtrail.sources import crypto
from voidtrail.sources.contract import (
    Capabilities,
    Identity,
    Outcome,
    ReasonRow,
    Row,
    Source,
    Translation,
    never_asked,
    never_told,
    unreadable,
)
from voidtrail.sources.custom import facts
from voidtrail.sources.custom.description import (
    Description,
    names_read,
    parse_description,
    words_of,
)
from voidtrail.sources.custom.wire import Message, instant

NAME: Final = "custom"
VERSION: Final = 1
_SECRETS: Final = ("signing", "public_key")
CAPABILITIES: Final = Capabilities(
    title="Custom (any platform, by description)", webhook=True, secrets=_SECRETS,
    retries="as the platform's own documents say",
)  # fmt: skip
IDENTITY: Final = Identity(
    fields=("via", "payment", "status", "operation", "amount", "the description's identity")
)
EVENTS: Final[dict[str, Row]] = {}
"""Empty: what a status means is written in the description."""
REASONS: Final[dict[str, ReasonRow]] = {}
"""Empty: a description names standard reasons."""
OPTION: Final = "description"
"""The account's option that holds the description's text."""

_DOC: Final = "the account's description"
_HASHES: Final[dict[str, crypto.Hash]] = {
    "hmac-sha1": "sha1", "hmac-sha256": "sha256", "hmac-sha512": "sha512", "sha1": "sha1",
    "md5": "md5",
}  # fmt: skip
_RSA: Final[dict[str, crypto.Digest]] = {"rsa-sha1": "sha1", "rsa-sha256": "sha256"}
_REFUSALS: Final = {Outcome.REFUSED: 401, Outcome.BUSY: 503, Outcome.TOO_LARGE: 413}


class Described:
    """The source of one described platform.

    Args:
        description: validated.
    """

    NAME = NAME
    IDENTITY = IDENTITY
    query = staticmethod(never_asked)
    act = staticmethod(never_told)

    def __init__(self, description: Description) -> None:
        self.description = description
        uses_rsa = description.signature.algorithm in _RSA
        joins = any(word == "fields" for _, word in words_of(description.signature.text))
        self._hidden = names_read(description) if joins else frozenset()
        self.VERSION = 1000 * (VERSION - 1) + description.version
        self.CAPABILITIES = Capabilities(
            title=description.title, webhook=True, retries=description.retries,
            amount_unit=description.amount_unit, zone=description.zone,
            secrets=_SECRETS, needed=("public_key",) if uses_rsa else ("signing",),
        )  # fmt: skip
        self.EVENTS = {
            word: Row(Kind[each.kind], Result[each.result], _DOC)
            for word, each in description.status.items()
        }
        self.REASONS = {code: ReasonRow(slug, _DOC) for code, slug in description.reasons.items()}

    def verify(self, delivery: Delivery, secrets: Secrets, now: Micros) -> None:
        """Check the signature as described, then the signed instant, then whose delivery it is.

        Raises:
            SignatureMissing: nothing stands at the signature's place.
            SignatureInvalid: it does not match, or the body is of another form.
            SignatureExpired: the signed instant is outside of the window.
            KeyUnknown: the account has no secret for the algorithm, or one that cannot be read.
            AccountMismatch: a place of `[expect]` holds another value.
        """
        message, said = Message(delivery, self.description), self.description
        if not message.is_readable or message.hides_field(self._hidden):
            raise SignatureInvalid(
                f"the body is no {said.body}, a field stands twice, or one hides in another"
            )
        signature = message.value(said.signature.at)
        if not signature:
            raise SignatureMissing(f"no signature at {said.signature.at!r}")
        purpose = self.CAPABILITIES.needed[0]
        keys = [secret.reveal() for secret in secrets.get(purpose, ())]
        if not keys:
            raise KeyUnknown(f"account {delivery.account} has no secret {purpose!r}")
        if not any(_matches(message, signature, key) for key in keys):
            raise SignatureInvalid(
                f"the signature at {said.signature.at!r} does not match under any of the account's "
                "keys; `voidtrail sources try` shows the text that was checked"
            )
        self._check_instant(message, now)
        for place, value in said.expect.items():
            if message.value(place) != value:
                raise AccountMismatch(f"genuine, but {place!r} is not this account's")

    def _check_instant(self, message: Message, now: Micros) -> None:
        stamp = self.description.timestamp
        if stamp is None:
            return
        at = instant(message.value(stamp.at), self.description.zone)
        if at is None:
            raise SignatureInvalid(f"the timestamp at {stamp.at!r} is no instant")
        skew_s = (now - at) // 1_000_000
        if abs(skew_s) > stamp.window_s:
            side = "before" if skew_s > 0 else "after"
            raise SignatureExpired(
                f"signed {abs(skew_s):,} s {side} now; the window is {stamp.window_s:,} s"
            )

    def translate(self, delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
        """Read a delivery by the description's tables."""
        return facts.facts(Message(delivery, self.description))

    def acknowledge(self, outcome: Outcome) -> Acknowledgement:
        """Return the answer as described."""
        said = self.description.acknowledge
        if outcome is Outcome.KEPT:
            return Acknowledgement(said.status, said.content_type, said.body.encode())
        return Acknowledgement(_REFUSALS[outcome], said.content_type, said.refused.encode())

    def explain(self, delivery: Delivery) -> str:
        """Return the text whose signature is checked, the secret left out."""
        text = Message(delivery, self.description).signed_text("{secret}")
        return text.decode(self.description.charset, "replace")


def described(account: Account) -> Source:
    """Return the source of an account's platform.

    Raises:
        SettingUnknown, SettingInvalid: the description names a key that there is not, has a value
            that cannot be used, or is not there; the message names the field.
    """
    text = account.options.get(OPTION, "")
    where = f"account {account.source}/{account.name}"
    if not text:
        raise SettingInvalid(f'{where}: options.description is missing: give "file:PATH"')
    try:
        return _made(text)
    except WrongUse as error:
        raise type(error)(f"{where}, {error}") from None


@lru_cache(maxsize=64)
def _made(text: str) -> Described:
    return Described(parse_description(text))


def _matches(message: Message, signature: str, key: str) -> bool:
    sign = message.description.signature
    if sign.algorithm in _RSA:
        if sign.encoding == "hex":
            signature = b64encode(_from_hex(signature) or b"").decode()
        return crypto.rsa_verifies(key, signature, message.signed_text(""), _RSA[sign.algorithm])
    digest, text = _HASHES[sign.algorithm], message.signed_text(key)
    if sign.algorithm.startswith("hmac-"):
        made = crypto.hmac_raw(_key(key, sign.key), text, digest)
    else:
        made = unhexlify(crypto.hashed_hex(text, digest))
    if sign.encoding == "base64":
        return crypto.same(b64encode(made), signature)
    return crypto.same(made.hex().encode(), signature.lower())


def _key(text: str, form: str) -> bytes:
    if form == "text":
        return text.encode()
    found = _from_hex(text) if form == "hex" else crypto.from_base64(text)
    if found is None:
        raise KeyUnknown(f"the account's secret 'signing' is not {form}")
    return found


def _from_hex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def verify(delivery: Delivery, secrets: Secrets, now: Micros) -> None:
    """Refuse everything: nothing can be proved without a description.

    Raises:
        KeyUnknown: always.
    """
    raise KeyUnknown(f"account {delivery.account} has no description of its platform")


def translate(delivery: Delivery, account: Account, secrets: Secrets) -> Translation:
    """Read a delivery by the account's description."""
    try:
        return described(account).translate(delivery, account, secrets)
    except WrongUse as error:
        return unreadable(OPTION, str(error))


def acknowledge(outcome: Outcome) -> Acknowledgement:
    """Return a status alone: the words are the description's."""
    return Acknowledgement(_REFUSALS.get(outcome, 200))


query: Final = never_asked
act: Final = never_told
