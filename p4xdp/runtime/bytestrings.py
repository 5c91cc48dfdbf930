"""P4Runtime's binary strings: big-endian, any padding accepted, the shortest form answered."""

from __future__ import annotations

from p4xdp.runtime.errors import Code, RequestError

_MOST_OCTETS_TOLD = 32


def decode(data: bytes, width: int, owner: str, name: str) -> int:
    """Read a bit<width> value; `owner` and `name` say what it is if refused (OUT_OF_RANGE)."""
    value = int.from_bytes(data, "big")
    if value >> width:
        told = hex(value) if len(data) <= _MOST_OCTETS_TOLD else f"a number of {len(data)} octets"
        text = f"{owner}: {name}: {told} does not fit in bit<{width}>"
        raise RequestError(Code.OUT_OF_RANGE, text)
    if not data:
        text = f"{owner}: {name}: the value is empty; zero is '\\x00'"
        raise RequestError(Code.OUT_OF_RANGE, text)
    return value


def encode(value: int) -> bytes:
    """Write the shortest string of a value; at least one octet."""
    return value.to_bytes((value.bit_length() + 7) // 8 or 1, "big")


def decode_signed(data: bytes, width: int, owner: str, name: str) -> int:
    """Read an int<width> value; return its bits as an unsigned number."""
    value = int.from_bytes(data, "big", signed=True)
    if not data or not -(1 << (width - 1)) <= value < 1 << (width - 1):
        told = data[:_MOST_OCTETS_TOLD].hex() or "nothing"
        text = f"{owner}: {name}: {told} does not fit in int<{width}>"
        raise RequestError(Code.OUT_OF_RANGE, text)
    return value & ((1 << width) - 1)


def encode_signed(bits: int, width: int) -> bytes:
    """Write the shortest string of an int<width>, given by its bits."""
    value = bits - (1 << width) if bits >> (width - 1) else bits
    magnitude = ~value if value < 0 else value
    return value.to_bytes(magnitude.bit_length() // 8 + 1, "big", signed=True)
