"""The description of a platform that nobody wrote a source for, as validated values.

Users keep their descriptions, so the format is frozen: keys may be added, never renamed. Every
refusal names the field and, where a name is mistyped, the nearest known one.

A *place* says where a value is: `name` a field of the form or of the JSON object, `/a/b` a JSON
pointer, `header:Name` a header, `header:Name#part` the part `part="…"` of a header, `query:name` a
parameter of the address.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from string import Formatter
from typing import Any, Final, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from voidtrail.errors import SettingInvalid, SettingUnknown
from voidtrail.event.model import Channel, Kind, Method, Result
from voidtrail.event.reason import BY_SLUG
from voidtrail.money import currency_number
from voidtrail.sources import reading

Algorithm = Literal[
    "hmac-sha1", "hmac-sha256", "hmac-sha512", "rsa-sha1", "rsa-sha256", "sha1", "md5"
]
KINDS: Final = tuple(kind.name for kind in Kind if kind not in (Kind.LINK, Kind.NUDGE))
RESULTS: Final = tuple(result.name for result in Result)
METHODS: Final = tuple(method.name.lower() for method in Method)
CHANNELS: Final = tuple(channel.name.lower() for channel in Channel)
CHARSETS: Final = {"utf-8": "utf-8", "gbk": "gb18030", "gb2312": "gb18030", "gb18030": "gb18030"}
_UNDONE: Final = ("authorise", "capture", "void", "refund", "dispute", "reverse")


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a description."""


class Signature(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    r"""How a delivery is proved.

    Attributes:
        at: place of the signature.
        encoding: of the signature; "" is base64 for RSA and hex (in either case) for the others.
        text: what is signed: words in braces are replaced, `{fields}` by the canonical string,
            `{body}` by the raw body, `{secret}` by the shared secret, `{timestamp}` by the signed
            instant, any place by its value. A brace itself is written twice.
        hashed: the text's hash in lower-case hex is signed in its stead.
        key: how the shared secret of an HMAC is written.
        root: JSON pointer of the object whose fields are signed; "" is the whole.
        drop: fields that are not signed.
        sort: by name; else they stand in the order of `order`.
        order: the fields that are signed, in order, if they are not sorted.
        empties: whether fields without a value stand too.
        names: whether names stand before values.
    """

    algorithm: Algorithm
    at: str
    encoding: Literal["", "base64", "hex"] = ""
    text: str = "{fields}"
    hashed: Literal["", "sha1", "sha256"] = ""
    key: Literal["text", "hex", "base64"] = "text"
    root: str = ""
    drop: tuple[str, ...] = ()
    sort: bool = True
    order: tuple[str, ...] = ()
    empties: bool = False
    names: bool = True
    equals: str = "="
    between: str = "&"


class Timestamp(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signed instant, and how far it may be from now in either direction."""

    at: str
    window_s: int = 300


class Fields(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where in a delivery the facts stand: places, "" where the platform does not say it.

    Attributes:
        payment: the platform's reference of the payment, or the one that both sides use.
        names: further references of the same payment.
        status: one place or several; the words of several are joined by "/".
        test: place whose value `true`, `1`, `test` or `sandbox` marks test traffic.
    """

    payment: str
    status: str | tuple[str, ...]
    order: str = ""
    operation: str = ""
    amount: str = ""
    currency: str = ""
    at: str = ""
    customer: str = ""
    merchant: str = ""
    reason: str = ""
    names: tuple[str, ...] = ()
    test: str = ""


class Meaning(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one status says; `amount`, `operation` and `at` are places other than the usual ones.

    Attributes:
        reason: slug of a standard reason, if no code of `[reasons]` says it better.
        cumulative: the amount counts the payment so far, not this operation.
        reverses: for REVERSE: which kind of operation is undone, as "refund".
    """

    kind: str
    result: str
    reason: str = ""
    amount: str = ""
    operation: str = ""
    at: str = ""
    cumulative: bool = False
    reverses: str = ""


class Acknowledge(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The exact answer: `body` when kept, `refused` otherwise."""

    status: int = 200
    content_type: str = "text/plain"
    body: str = ""
    refused: str = ""


class Description(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A platform in words of configuration.

    Attributes:
        version: raise it when the description says something else, then run
            `voidtrail retranslate`.
        reasons: the platform's codes (of `fields.reason`) as slugs of standard reasons.
        identity: places that tell two facts apart beside payment, status, operation and amount.
        expect: places that must hold exactly this value, as your merchant number.
    """

    title: str
    signature: Signature
    fields: Fields
    status: Mapping[str, Meaning]
    version: int = 1
    body: Literal["form", "json"] = "json"
    charset: str = "utf-8"
    amount_unit: Literal["minor", "major"] = "minor"
    currency: str = ""
    zone: str = "Asia/Shanghai"
    method: str = "unknown"
    channel: str = "unknown"
    retries: str = ""
    timestamp: Timestamp | None = None
    acknowledge: Acknowledge = Acknowledge()
    reasons: Mapping[str, str] = msgspec.field(default_factory=dict)
    identity: tuple[str, ...] = ()
    expect: Mapping[str, str] = msgspec.field(default_factory=dict)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint with the nearest known word, or with all of them if there are few.

    >>> nearest("algoritm", ["algorithm", "at"]), nearest("x", ["at", "root"])
    ('; did you mean "algorithm"?', '; known: at, root')
    """
    known = list(known)
    near = get_close_matches(word, known, n=1) or get_close_matches(word.upper(), known, n=1)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; known: {', '.join(known)}" if len(known) <= 24 else ""


@lru_cache(maxsize=64)
def parse_description(text: str) -> Description:
    """Read a description.

    Args:
        text: the TOML text.

    Raises:
        SettingUnknown: a key is not known.
        SettingInvalid: the text is no TOML, a key is missing or a value cannot be used.
    """
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingInvalid(f"description: the text is not valid TOML: {error}") from None
    _refuse_unknown(tree, Description, "")
    try:
        found = msgspec.convert(tree, Description)
    except msgspec.ValidationError as error:
        what, path = str(error).partition(" - at ")[0], reading.path(error)
        hint = ""
        if path == "signature.algorithm" and "algorithm" in tree["signature"]:
            hint = nearest(str(tree["signature"]["algorithm"]), get_args(Algorithm))
        raise SettingInvalid(f"description: {path}: {what}{hint}") from None
    _check_words(found)
    _check_signature(found)
    for place, where in _places(found):
        _check_place(place, where, found)
    return found


def names_read(found: Description) -> frozenset[str]:
    """Return the names of the fields of the body that are read."""
    at = (place for place, _ in _places(found))
    return frozenset(place.rpartition("/")[2] for place in at if ":" not in place)


def _refuse_unknown(tree: Mapping[str, Any], shape: type[msgspec.Struct], path: str) -> None:
    fields = {field.name: field.type for field in msgspec.structs.fields(shape)}
    for key, value in tree.items():
        if key not in fields:
            hint = nearest(key, fields)
            raise SettingUnknown(f"description: {path}{key}: there is no such key{hint}")
        kinds = [kind for kind in (fields[key], *get_args(fields[key])) if _is_part(kind)]
        if not kinds or not isinstance(value, Mapping):
            continue
        if _is_part(fields[key]) or type(None) in get_args(fields[key]):
            _refuse_unknown(value, kinds[0], f"{path}{key}.")
            continue
        for name, below in value.items():
            if isinstance(below, Mapping):
                _refuse_unknown(below, kinds[0], f'{path}{key}."{name}".')


def _is_part(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _fail(path: str, why: str) -> SettingInvalid:
    return SettingInvalid(f"description: {path}: {why}")


def _one_of(path: str, word: str, known: Iterable[str]) -> None:
    known = list(known)
    if word not in known:
        raise _fail(path, f"{word!r} is not known{nearest(word, known)}")


def _check_words(found: Description) -> None:
    _one_of("charset", found.charset.lower(), CHARSETS)
    _one_of("method", found.method, METHODS)
    _one_of("channel", found.channel, CHANNELS)
    if not found.status:
        raise _fail("status", "at least one word of the platform must have a meaning")
    for word, meaning in found.status.items():
        path = f'status."{word}"'
        _one_of(f"{path}.kind", meaning.kind, KINDS)
        _one_of(f"{path}.result", meaning.result, RESULTS)
        if meaning.reason:
            _one_of(f"{path}.reason", meaning.reason, BY_SLUG)
        if (meaning.kind == Kind.REVERSE.name) != bool(meaning.reverses):
            raise _fail(f"{path}.reverses", "REVERSE, and nothing else, names what it undoes")
        if meaning.reverses:
            _one_of(f"{path}.reverses", meaning.reverses, _UNDONE)
    for code, slug in found.reasons.items():
        _one_of(f'reasons."{code}"', slug, BY_SLUG)
    amounts = [found.fields.amount, *(meaning.amount for meaning in found.status.values())]
    if any(amounts) and not (found.currency or found.fields.currency):
        raise _fail("currency", "amounts need one: here, or its place in fields.currency")
    try:
        currency_number(found.currency)
        ZoneInfo(found.zone)
    except (ZoneInfoNotFoundError, OSError):
        raise _fail("zone", f"{found.zone!r} is not an IANA zone as Asia/Shanghai") from None
    except ValueError as error:
        raise _fail("currency" if "currency" in str(error) else "zone", str(error)) from None
    answer = found.acknowledge
    if not 200 <= answer.status < 300:
        raise _fail("acknowledge.status", "only 2xx tells a platform that a delivery was kept")
    if answer.body and answer.body == answer.refused:
        raise _fail("acknowledge.refused", "must not be the words of success")
    if not 1 <= found.version < 1000:
        raise _fail("version", "a whole number from 1 to 999")


def words_of(text: str) -> tuple[tuple[str, str], ...]:
    """Return the pieces of a signed text: what stands as it is, and the word that follows.

    Raises:
        ValueError: a brace is not closed, or nothing stands in it.
    """
    pieces = []
    for plain, name, form, conversion in Formatter().parse(text):
        if name is None:
            pieces.append((plain, ""))
            continue
        word = f"{name}:{form}" if form else name
        if not word or conversion:
            raise ValueError("braces must hold the name of a value")
        pieces.append((plain, word))
    return tuple(pieces)


def _check_signature(found: Description) -> None:
    sign = found.signature
    try:
        words = {word for _, word in words_of(sign.text)}
    except ValueError as error:
        raise _fail("signature.text", f"{error}; write {{{{ for a brace") from None
    if sign.algorithm in ("sha1", "md5") and "secret" not in words:
        raise _fail("signature.text", f"{sign.algorithm} proves nothing without {{secret}} in it")
    if sign.algorithm.startswith("rsa-") and "secret" in words:
        raise _fail("signature.text", "RSA has no shared {secret}")
    if not words - {"", "secret", "timestamp"}:
        raise _fail("signature.text", "nothing of the delivery is signed")
    if sign.sort and sign.order:
        raise _fail("signature.order", "stands only with sort = false")
    if not sign.sort and not sign.order and "fields" in words:
        raise _fail("signature.order", "name the signed fields in order, or sort them")
    if found.body == "form" and sign.root:
        raise _fail("signature.root", "a form has no objects within")
    if sign.root and not sign.root.startswith("/"):
        raise _fail("signature.root", "a JSON pointer begins with a slash")
    signs_timestamp = "timestamp" in words
    if found.timestamp is None:
        if signs_timestamp:
            raise _fail("timestamp.at", "signature.text names {timestamp}: say where it stands")
        return
    if found.timestamp.window_s < 1:
        raise _fail("timestamp.window_s", "must be more than 0")
    at = found.timestamp.at
    within = ("fields" in words and not at.startswith(("header:", "query:"))
              and at not in sign.drop) or ("body" in words and ":" not in at)  # fmt: skip
    if not (signs_timestamp or within or at in words):
        raise _fail("timestamp.at", "it is not signed, so that a window would protect nothing")


def _places(found: Description) -> Iterable[tuple[str, str]]:
    yield found.signature.at, "signature.at"
    for _, word in words_of(found.signature.text):
        if word not in ("", "fields", "body", "secret", "timestamp"):
            yield word, "signature.text"
    if found.timestamp:
        yield found.timestamp.at, "timestamp.at"
    for name in found.fields.__struct_fields__:
        value = getattr(found.fields, name)
        for place in value if isinstance(value, tuple) else (value,):
            if place or name in ("payment", "status"):
                yield place, f"fields.{name}"
    for word, meaning in found.status.items():
        for name in ("amount", "operation", "at"):
            if getattr(meaning, name):
                yield getattr(meaning, name), f'status."{word}".{name}'
    yield from ((place, "identity") for place in found.identity)
    yield from ((place, "expect") for place in found.expect)


def _check_place(place: str, where: str, found: Description) -> None:
    kind, colon, name = place.partition(":")
    if not place or (colon and not name):
        raise _fail(where, "name the place: a field, /a/json/pointer, header:Name or query:name")
    if colon and kind not in ("header", "query") and not place.startswith("/"):
        raise _fail(where, f"{kind!r} is no kind of place{nearest(kind, ('header', 'query'))}")
    if place.startswith("/") and found.body == "form":
        raise _fail(where, f"{place!r} is a JSON pointer, and the body is a form")
