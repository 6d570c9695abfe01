"""Random damage to real messages. Deterministic for a given `random.Random`."""

import random
from collections.abc import Iterator, Sequence

#: Pieces that parsers trip over: limits of integers, separators, quotes, text that is not UTF-8.
_NASTY = [
    b"",
    b"\x00",
    b"\xff" * 4,
    b"\xed\xa0\x80",
    b"\xe2\x80\xae",
    b"\r\n",
    b"\n",
    b"-1",
    b"0",
    b"65536",
    b"4294967296",
    b"9" * 400,
    b"1e999",
    b"%00",
    b"null",
    b"[" * 2000,
    b'{"a":' * 2000,
    b'"',
    b"\\ud800",
    b":",
    b"=",
    b";",
    b"<",
    b" " * 300,
]


def inputs(seeds: Sequence[bytes], source: random.Random) -> Iterator[bytes]:
    """An endless stream: first each seed as it is, then seeds with one to eight wounds."""
    yield from seeds
    while True:
        data = bytearray(source.choice(seeds))
        for _ in range(source.randint(1, 8)):
            _wound(data, seeds, source)
        yield bytes(data)


def _wound(data: bytearray, seeds: Sequence[bytes], source: random.Random) -> None:
    start = source.randint(0, len(data))
    end = min(len(data), start + source.choice((1, 1, 2, 4, 16, 64)))
    match source.randrange(8):
        case 0:
            data[start:end] = b""
        case 1:
            data[start:start] = data[start:end]
        case 2:
            data[start:end] = source.randbytes(end - start)
        case 3:
            data[start:end] = source.choice(_NASTY)
        case 4:
            data[start:start] = source.choice(_NASTY)
        case 5:
            other = source.choice(seeds)
            cut = source.randint(0, len(other))
            data[start:] = other[cut:]
        case 6:
            del data[start:]
        case _:
            if start < len(data):
                data[start] ^= 1 << source.randrange(8)
