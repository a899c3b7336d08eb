"""What a listener reads out of the stream, however it is cut into pieces."""

import asyncio
import time

import pytest

from voidtrail.testing.bench.listeners import REFERENCE, Heard, Listener, Orders

ORDERS = Orders("127.0.0.1", 1, "c=1", 1, 1)


def row(no, at_us):
    path = f"/payments/stripe/bench/{REFERENCE.format(at_us=at_us, number=no)}"
    return f'id: {no}\nevent: row\ndata: <li><a href="{path}">x</a></li>\n\n'.encode()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def listened(*pieces):
    async def happen():
        heard = Heard()
        one = Listener(ORDERS, heard, timed=True)
        for piece in pieces:
            one.data_received(piece)
        return one, heard, one.ready.result()

    return asyncio.run(happen())


def test_rows_are_counted_and_timed_by_the_reference_in_them():
    sent = time.time_ns() // 1000 - 250_000
    head = b"HTTP/1.1 200 OK\r\n\r\n" + chunk(b"retry: 1000\n\n")
    one, heard, ready = listened(head, chunk(row(7, sent) + row(8, sent)), chunk(b":\n\n"))
    assert (ready, one.rows, one.numbers) == (True, 2, [7, 8])
    assert heard.late_s == pytest.approx([0.25, 0.25], abs=0.2)


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_row_in_two_pieces_counts_once(cut):
    whole = b"HTTP/1.1 200 OK\r\n\r\n" + chunk(row(7, 1)) + chunk(row(8, 1))
    one, _, _ = listened(whole[: 40 + cut], whole[40 + cut :])
    assert (one.rows, one.numbers) == (2, [7, 8])


def test_a_refusal_is_noticed():
    assert listened(b"HTTP/1.1 401 Unauthorized\r\n\r\n")[2] is False
