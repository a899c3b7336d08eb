"""What of a request is kept with a delivery."""

from voidtrail.event.model import QUERY, Delivery
from voidtrail.web.hooks import headers_kept, query_kept


def test_query_of_the_address_is_kept_as_it_came():
    kept = headers_kept([(b"host", b"x"), (b"x-topic", b"a")]) + query_kept(b"order=a%2Fb&x=1")
    delivery = Delivery(source="s", account="a", received_at=1, body=b"", headers=kept)
    assert delivery.header(QUERY) == "order=a%2Fb&x=1"
    assert delivery.header("x-topic") == "a"
    assert delivery.header("host") is None


def test_no_query_and_one_that_is_too_long_are_left_out():
    assert query_kept(b"") == ()
    assert query_kept(b"x" * 4096) == ((QUERY, "x" * 4096),)
    assert query_kept(b"x" * 4097) == ()
