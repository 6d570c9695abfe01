"""Header blocks say what they should, whatever was sent before."""

from hpack import Decoder
from hypothesis import given
from hypothesis import strategies as st

from offhook.push.providers.header_block import SteadyEncoder, Varying

NAMES = st.sampled_from([b":path", b":method", b"apns-id", b"authorization", b"x"])
VALUES = st.sampled_from([b"POST", b"", b"a" * 126, b"b" * 127, b"c" * 900]) | st.binary(
    max_size=20
)
HEADERS = st.lists(st.tuples(NAMES, VALUES, st.booleans()), max_size=6)


@given(
    requests=st.lists(st.tuples(HEADERS, st.none() | st.sampled_from([0, 100, 4096])), max_size=12)
)
def test_whoever_reads_the_blocks_gets_the_headers(
    requests: list[tuple[list[tuple[bytes, bytes, bool]], int | None]],
) -> None:
    encoder, decoder = SteadyEncoder(), Decoder()
    for headers, size in requests:
        if size is not None:
            encoder.header_table_size = size
        block = encoder.encode(
            [Varying(name, value) if varies else (name, value) for name, value, varies in headers]
        )
        assert [tuple(each) for each in decoder.decode(block, raw=True)] == [
            (name, value) for name, value, _ in headers
        ]


def test_what_varies_does_not_push_out_what_stays() -> None:
    encoder, decoder = SteadyEncoder(), Decoder()
    token = (b"authorization", b"bearer " + b"x" * 250)
    sizes = []
    for number in range(100):
        block = encoder.encode([Varying(b"apns-id", b"%036d" % number), token])
        assert len(decoder.decode(block, raw=True)) == 2
        sizes.append(len(block))
    assert set(sizes[1:]) == {sizes[1]}
    assert sizes[1] < 60


def test_a_table_that_gets_smaller_is_not_relied_on() -> None:
    encoder, decoder = SteadyEncoder(), Decoder()
    headers = [(b"x", b"one"), (b"y", b"two")]
    for size in (4096, 4096, 4096, 0, 4096):
        encoder.header_table_size = size
        block = encoder.encode(headers)
        assert [tuple(each) for each in decoder.decode(block, raw=True)] == headers
