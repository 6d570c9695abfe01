"""HPACK (RFC 7541) for requests that differ in a few headers only.

What differs with each request is sent as it is and kept out of the header table. So what is the
same in all requests stays where it is in the table, and its code has to be found out only once.
"""

from collections.abc import Iterable
from typing import Any

from hpack import Encoder, NeverIndexedHeaderTuple
from hpack.hpack import encode_integer

#: A header that differs with each request.
Varying = NeverIndexedHeaderTuple

_NEVER_INDEXED = b"\x10"
_INDEXED = 0x80


class SteadyEncoder(Encoder):
    """Encodes `Varying` headers as literals, and remembers the codes of all others."""

    def __init__(self) -> None:
        super().__init__()
        self._codes: dict[tuple[bytes, bytes], bytes] = {}
        self._names: dict[bytes, bytes] = {}

    def encode(self, headers: Iterable[Any], huffman: bool = True) -> bytes:
        """The header block; names and values are bytes."""
        block = []
        if self.header_table.resized:
            self._codes.clear()
            block.append(super().encode((), huffman))
        for header in headers:
            if isinstance(header, NeverIndexedHeaderTuple):
                name, value = header
                block.append(self._names.get(name) or self._literal_name(name))
                block.append(bytes(encode_integer(len(value), 7)))
                block.append(value)
            else:
                block.append(self._codes.get(header) or self._code(header, huffman))
        return b"".join(block)

    def _literal_name(self, name: bytes) -> bytes:
        code = _NEVER_INDEXED + bytes(encode_integer(len(name), 7)) + name
        self._names[name] = code
        return code

    def _code(self, header: tuple[bytes, bytes], huffman: bool) -> bytes:
        code = super().encode((header,), huffman)
        if code[0] & _INDEXED:
            self._codes[header] = code
        else:
            # It is in the table now, and all that were there before have moved.
            self._codes.clear()
        return code
