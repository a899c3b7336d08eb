"""Components from active claims alone."""

from voidtrail.ledger.components import further, united

NAMES = {10: 1, 20: 2, 30: 3, 40: 4}
ORDERS = {100: 1, 200: 2, 300: 3}


def keys(*numbers):
    return b"".join(number.to_bytes(8, "big") for number in numbers)


def test_further_names_are_read_eight_bytes_at_a_time():
    assert list(further(keys(2**63 - 1, 0))) == [2**63 - 1, 0]
    assert list(further(b"")) == []


def test_names_meet_through_links_and_orders_through_payments():
    claims = [(2, keys(30), 200), (3, b"", 300), (1, b"", 100)]
    payments, orders = united(claims, NAMES, ORDERS)
    assert [payments.find(no) for no in (1, 2, 3, 4)] == [1, 2, 2, 4]
    assert [orders.find(no) for no in (1, 2, 3)] == [1, 2, 2]


def test_orders_meet_whatever_the_order_of_the_claims():
    claims = [(1, b"", 300), (2, b"", 200), (1, b"", 100), (2, keys(10), None)]
    for turned in (claims, claims[::-1]):
        payments, orders = united(turned, NAMES, ORDERS)
        assert {payments.find(no) for no in (1, 2)} == {1}
        assert {orders.find(no) for no in (1, 2, 3)} == {1}
