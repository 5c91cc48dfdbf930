"""P4Runtime's binary strings: big-endian, any padding accepted, the shortest form answered."""

from __future__ import annotations

from p4xdp.runtime.errors import Code, RequestError


def decode(data: bytes, width: int, what: str) -> int:
    """Read a bit<width> value; `what` names it in the refusal (OUT_OF_RANGE)."""
    if not data:
        raise RequestError(Code.OUT_OF_RANGE, f"{what}: the value is empty; zero is '\\x00'")
    value = int.from_bytes(data, "big")
    if value >> width:
        raise RequestError(Code.OUT_OF_RANGE, f"{what}: {value:#x} does not fit in bit<{width}>")
    return value


def encode(value: int) -> bytes:
    """Write the shortest string of a value; at least one octet."""
    return value.to_bytes((value.bit_length() + 7) // 8 or 1, "big")
