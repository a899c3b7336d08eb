import pytest

from voidtrail.testing.bench.wire import ResponseReader

RESPONSES = [
    (b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nsuccess", 200),
    (b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", 204),
    (b"HTTP/1.1 400 Bad Request\r\nContent-Length:0\r\n\r\n", 400),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200),
    (
        b"HTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nb\r\n0123456789a\r\n"
        b"0\r\n\r\n",
        503,
    ),
]


@pytest.mark.parametrize(("response", "status"), RESPONSES)
def test_response_is_whole_at_its_last_byte_wherever_it_is_cut(response, status):
    for cut in range(1, len(response)):
        reader = ResponseReader()
        assert reader.feed(response[:cut]) is None
        assert reader.feed(response[cut:]) == status


def test_one_reader_reads_one_response_after_another():
    reader = ResponseReader()
    assert [reader.feed(response) for response, _ in RESPONSES] == [s for _, s in RESPONSES]


def test_a_closing_connection_is_noticed():
    reader = ResponseReader()
    assert reader.feed(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n") == 200
    assert reader.closes
