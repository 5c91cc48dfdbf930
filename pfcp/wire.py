"""Field kinds: how one value lies in octets.

A kind holds no code that runs per message. It gives `pfcp.codegen` the struct codes and the
expressions from which a specialised decoder and encoder are written once per IE.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value of a fixed number of octets.

    `codes` are struct codes (big-endian), `read` an expression over the unpacked numbers {0}, {1},
    `write` one expression over the value {v} for each code. `mask` names the bits that count in a
    one-octet value; the others are spare.
    """

    name: str
    codes: str
    read: str = "{0}"
    write: tuple[str, ...] = ("{v}",)
    mask: int | None = None

    @property
    def size(self) -> int:
        """Octets on the wire."""
        return struct.calcsize(">" + self.codes)


def _masked(name: str, mask: int) -> Fixed:
    return Fixed(name, "B", f"{{0}} & {mask}", (f"fit({{v}}, {mask})",), mask)


U8 = Fixed("U8", "B")
U16 = Fixed("U16", "H")
U24 = Fixed("U24", "BH", "{0} << 16 | {1}", ("{v} >> 16", "{v} & 0xFFFF"))
U32 = Fixed("U32", "I")
U40 = Fixed("U40", "BI", "{0} << 32 | {1}", ("{v} >> 32", "{v} & 0xFFFFFFFF"))
U64 = Fixed("U64", "Q")
U3 = _masked("U3", 0x07)
U4 = _masked("U4", 0x0F)
U6 = _masked("U6", 0x3F)
BIT = Fixed("BIT", "B", "{0} & 1 == 1", ("fit({v}, 1)",), 0x01)
IPV4 = Fixed("IPV4", "I", "IPv4Address({0})", ("int({v})",))
IPV6 = Fixed("IPV6", "16s", "IPv6Address({0})", ("{v}.packed",))
S32 = Fixed("S32", "i")
S64 = Fixed("S64", "q")
MAC = Fixed("MAC", "6s", "{0}", ("exactly({v}, 6)",))
PLMN = Fixed("PLMN", "3s", "plmn_of({0})", ("octets_of_plmn({v})",))
UUID128 = Fixed("UUID128", "16s", "UUID(bytes={0})", ("{v}.bytes",))


@dataclass(frozen=True, slots=True)
class Octets:
    """Octets of any number: the rest of the IE, or as many as a length before them says.

    `prefix` is the struct code of that length ("" for the rest). `read` is an expression over the
    octets {v} and `write` one over the value {v}; the value is the octets themselves without them.
    The strings of PFCP are ASCII, and latin-1 loses nothing of what a peer may send instead.
    """

    name: str
    prefix: str
    read: str = "{v}"
    write: str = "{v}"


_TEXT = ("{v}.decode('latin-1')", "{v}.encode('latin-1')")

REST = Octets("REST", "")
LV8 = Octets("LV8", "B")
LV16 = Octets("LV16", "H")
LV16_TEXT = Octets("LV16_TEXT", "H", *_TEXT)
REST_NUMBERS = Octets("REST_NUMBERS", "", "tuple({v})", "bytes({v})")
LV8_NUMBERS = Octets("LV8_NUMBERS", "B", "tuple({v})", "bytes({v})")
LV16_TEXTS = Octets("LV16_TEXTS", "H", "texts_of({v}, NAME, TYPE)", "octets_of_texts({v})")
LV16_PAIRS = Octets("LV16_PAIRS", "H", "pairs_of({v}, NAME, TYPE)", "octets_of_pairs({v})")


@dataclass(frozen=True, slots=True)
class Flag:
    """A bit of the flag octets, numbered as in the figures: octet 5 comes first, bit 8 is highest.

    Alone it is a bool; beside a kind it says whether that field is present.
    """

    octet: int
    bit: int

    def mask(self, flag_octets: int) -> int:
        """Position in the flag octets read as one big-endian number."""
        return 1 << (self.bit - 1 + 8 * (flag_octets - 1 - (self.octet - 5)))


@dataclass(frozen=True, slots=True)
class Bits:
    """A number in some bits of the flag octets, from `high` to `low` of `octet`.

    `following` whole octets after it belong to the number too.
    """

    octet: int
    high: int
    low: int
    following: int = 0

    @property
    def width(self) -> int:
        """Number of bits."""
        return self.high - self.low + 1 + 8 * self.following

    @property
    def mask(self) -> int:
        """Ones for every bit of the number."""
        return (1 << self.width) - 1

    def shift(self, flag_octets: int) -> int:
        """Distance of the lowest bit from the end of the flag octets."""
        return self.low - 1 + 8 * (flag_octets - 1 - (self.octet - 5) - self.following)


Kind = Fixed | Octets | Flag | Bits
Enumeration = type[IntEnum]
