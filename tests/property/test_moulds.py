"""What a mould casts is what the whole event would be encoded as."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from voidtrail.event.codec import dimensions_text, encode, key63, order_name, payment_name
from voidtrail.event.model import Channel, Event, Kind, Method, Result, Role, Tag, Via
from voidtrail.event.mould import Mould, Speaker
from voidtrail.event.reason import REASONS

_text = st.text(max_size=8)
_reference = st.text(min_size=1, max_size=24)
_templates = st.builds(
    Event,
    label=_text, identity=st.just(()), kind=st.sampled_from(Kind), result=st.sampled_from(Result),
    payment=st.just(""), occurred_at=st.just(0), currency=st.sampled_from(["", "CNY", "JPY"]),
    tag=st.sampled_from(Tag), role=st.sampled_from(Role), via=st.sampled_from(Via),
    reason=st.sampled_from([reason.number for reason in REASONS]), code=_text,
    test=st.booleans(), life=st.booleans(),
)  # fmt: skip
_said = st.fixed_dictionaries({
    "identity": st.tuples(_text, _text),
    "payment": _reference,
    "order": _text,
    "occurred_at": st.integers(0, 2**53 - 1),
    "amount_minor": st.none() | st.integers(-(2**62), 2**62),
    "method": st.sampled_from(Method),
    "channel": st.sampled_from(Channel),
    "operation": _text,
    "dimensions": st.lists(st.tuples(_text, _text), max_size=2).map(tuple),
    "customer": _text,
})  # fmt: skip


@given(_templates, st.lists(_said, min_size=1, max_size=3))
def test_mould_casts_what_encode_makes(template, rows):
    speaker = Speaker("table", "years", 7, "shop-1", 1001)
    mould = Mould(template, speaker)
    for said in rows:
        whole = encode(structs.replace(template, **said), **speaker._asdict())
        name, order = payment_name("table/years", said["payment"]), None
        if said["order"]:
            text = order_name("shop-1", said["order"])
            order = (key63(text), text)
        cast = mould.cast(
            "\0".join(said["identity"]), (key63(name), name), order, said["occurred_at"],
            said["amount_minor"], said["method"] << 8 | said["channel"], said["operation"],
            dimensions_text(said["dimensions"]), said["customer"],
        )  # fmt: skip
        assert cast == whole
        assert [type(value) for value in cast.rest] == [type(value) for value in whole.rest]
