"""Bytes of a terminal, as names of keys."""

from collections.abc import Iterator

_NAMES = {
    "\r": "enter",
    "\n": "enter",
    "\t": "tab",
    "\x7f": "backspace",
    "\x08": "backspace",
    "\x1b": "escape",
}
_SEQUENCES = {"[A": "up", "OA": "up", "[B": "down", "OB": "down", "[Z": "up"}


def keys_in(text: str) -> Iterator[str]:
    """The keys in what one read from a terminal gave: a character, or a name for what has none.

    An escape that nothing follows is the key; sequences that are not known are passed over.
    """
    rest = text
    while rest:
        if rest[0] == "\x1b" and len(rest) > 1 and rest[1] in "[O":
            end = next((n for n in range(2, len(rest)) if "@" <= rest[n] <= "~"), len(rest) - 1)
            name = _SEQUENCES.get(rest[1 : end + 1])
            if name is not None:
                yield name
            rest = rest[end + 1 :]
            continue
        if rest[0] in _NAMES:
            yield _NAMES[rest[0]]
        elif rest[0].isprintable():
            yield rest[0]
        rest = rest[1:]
