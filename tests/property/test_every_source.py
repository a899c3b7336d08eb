"""Every source, whatever is said to it: nothing raises, nothing forged is believed."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.genuine import START, changed, corpus, says_the_same, with_fake
from voidtrail.event.account import Account
from voidtrail.event.model import Delivery, Via
from voidtrail.sources.registry import SOURCES
from voidtrail.testing import contract

NAMES = sorted(SOURCES)
FAKED = with_fake()
TRIES = {25: 25, 1000: 80}
"""Examples of each law and source, by profile: there are many sources. A hunt takes all."""
some = settings(max_examples=TRIES.get(settings().max_examples, settings().max_examples))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
BODIES = st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode())
CONTEXTS = st.sampled_from(["", "act:close", "act:void", "act:refund", "act:pay_link", "?"])


def _reader(name):
    """The account and the secrets that a source reads with."""
    if name in FAKED:
        known = corpus(name)
        return known.account, known.secrets
    return Account(source=name, name="main"), {}


@pytest.mark.parametrize("name", NAMES)
@some
@given(body=BODIES, via=st.sampled_from([Via.PUSH, Via.ASKED, Via.FILE]), context=CONTEXTS,
       headers=st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=2))  # fmt: skip
def test_no_bytes_and_no_json_raise(name, body, via, context, headers):
    account, secrets = _reader(name)
    delivery = Delivery(source=name, account="main", received_at=START, body=body, via=via,
                        request="p", context=context, headers=tuple(headers.items()))  # fmt: skip
    contract.check_translation(SOURCES[name], delivery, account, secrets)


@pytest.mark.parametrize("name", FAKED)
@some
@given(data=st.data(), seed=st.integers(0, 2**63))
def test_nearly_genuine_bodies_say_something_whole(name, data, seed):
    known = corpus(name)
    genuine = data.draw(st.sampled_from(known.every), label="genuine")
    nearly = changed(genuine, seed, known.every)
    contract.check_translation(known.source, nearly, known.account, known.secrets)


@pytest.mark.parametrize("name", FAKED)
@some
@given(data=st.data(), seed=st.integers(0, 2**63))
def test_no_changed_notice_is_accepted_as_another(name, data, seed):
    known = corpus(name)
    if not known.source.CAPABILITIES.signed or not known.pushed:
        return
    genuine = data.draw(st.sampled_from(known.pushed), label="genuine")
    nearly = changed(genuine, seed, known.pushed)
    if contract.is_refused(known.source, nearly, known.secrets, START):
        return
    # Other spellings of the same signed fields are the same statement.
    assert says_the_same(known, genuine, nearly), nearly.body


@pytest.mark.parametrize("name", FAKED)
def test_nobody_is_kept_waiting_by_a_header_of_one_word(name):
    """Whoever knows the address may send it; at the square of its length it would take minutes."""
    known = corpus(name)
    for genuine in {each.headers: each for each in known.pushed[:8]}.values():
        for place, (header, value) in enumerate(genuine.headers):
            for start in {"", value.partition(" ")[0] + " "}:
                word = (header, start + "a" * 200_000)
                headers = (*genuine.headers[:place], word, *genuine.headers[place + 1 :])
                strange = msgspec.structs.replace(genuine, headers=headers)
                contract.is_refused(known.source, strange, known.secrets, START)
                known.source.translate(strange, known.account, known.secrets)


@pytest.mark.parametrize("name", FAKED)
@some
@given(data=st.data(), text=st.text(max_size=120))
def test_no_foreign_header_is_accepted_or_raises_anything_but_a_refusal(name, data, text):
    known = corpus(name)
    if not known.source.CAPABILITIES.signed or not known.pushed:
        return
    genuine = data.draw(st.sampled_from(known.pushed), label="genuine")
    headers = tuple((key, text) for key, _ in genuine.headers)
    forged = msgspec.structs.replace(genuine, headers=headers)
    is_signed_there = any(why == "no headers" for why, _ in contract.forgeries(genuine))
    refused = contract.is_refused(known.source, forged, known.secrets, START)
    assert refused or not is_signed_there


@pytest.mark.parametrize("name", NAMES)
@some
@given(reference=st.text(min_size=1, max_size=40))
def test_any_reference_can_be_asked_about_without_leaving_its_platform(name, reference):
    account, secrets = _reader(name)
    request = SOURCES[name].query(reference, account, secrets, START, "0" * 32)
    if request is not None:
        base = account.options.get("api_base", "")
        assert request.url.startswith(base)
        assert request.payment == reference
        assert request.url.isascii()
        assert all("\n" not in value and "\r" not in value for _, value in request.headers)
        assert ".." not in request.url.split("?")[0].split("/")
