"""P4Runtime's binary strings: big-endian, the shortest form sent, any form understood."""

from __future__ import annotations


def encode(value: int) -> bytes:
    """Write an unsigned value; at least one octet."""
    return value.to_bytes((value.bit_length() + 7) // 8 or 1, "big")


def decode(data: bytes) -> int:
    """Read an unsigned value."""
    return int.from_bytes(data, "big")
