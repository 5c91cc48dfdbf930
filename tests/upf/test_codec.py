"""Values survive becoming octets, also those that an earlier version wrote."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag, StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import NamedTuple

import pytest

from upf.codec import Codec
from upf.keeping import KeptSession


class Colour(StrEnum):
    RED = "red"


class Flag(IntFlag):
    A = 1
    B = 2


class Pair(NamedTuple):
    left: int
    right: IPv4Address | IPv6Address


class Other(NamedTuple):
    text: str


@dataclass(frozen=True, slots=True)
class Leaf:
    colour: Colour
    flag: Flag
    prefix: IPv6Network | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    number: int
    leaves: tuple[Leaf, ...] = ()
    by_key: Mapping[Pair | Other, Leaf] = field(default_factory=dict)
    either: Pair | Other | None = None
    fixed: tuple[int, Leaf | None] = (0, None)
    names: frozenset[str] = frozenset()
    octets: bytes = b""
    seconds: float = 0.0


LEAF = Leaf(Colour.RED, Flag.A | Flag.B, IPv6Network("2001:db8::/64"))
TREE = Tree(
    number=1 << 63,
    leaves=(LEAF, Leaf(Colour.RED, Flag(0))),
    by_key={Pair(1, IPv4Address("192.0.2.1")): LEAF, Other("x"): LEAF},
    either=Pair(2, IPv6Address("::1")),
    fixed=(7, LEAF),
    names=frozenset({"a", "b"}),
    octets=b"\x00\xff",
    seconds=0.1,
)


@pytest.mark.parametrize("value", [TREE, Tree(number=0)], ids=["everything", "defaults"])
def test_a_value_is_what_it_was(value):
    codec = Codec(Tree)
    assert codec.decode(codec.encode(value)) == value
    assert Codec(Tree, alike=frozenset({Leaf})).decode(codec.encode(value)) == value


def test_values_that_are_alike_are_one():
    codec = Codec(Tree, alike=frozenset({Leaf}))
    first, second = (codec.decode(codec.encode(TREE)) for _ in range(2))
    assert first.leaves[0] is second.leaves[0] is first.fixed[1]


def test_what_an_earlier_version_wrote_is_read_by_the_names_of_its_fields():
    codec = Codec(Tree)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Later:
        added: str = "default"
        seconds: float = 0.0
        number: int = 0

    layout = {"Later": codec.layout["Tree"], **codec.layout}
    assert Codec(Later, layout).decode(codec.encode(TREE)) == Later(
        number=TREE.number, seconds=TREE.seconds
    )


@pytest.mark.parametrize("octets", [b"", b"\x00", b"garbage", b"(\x00\x00\x00\x00"])
def test_octets_of_nothing_are_refused(octets):
    with pytest.raises(ValueError, match=r".+"):
        Codec(Tree).decode(octets)


def test_a_type_that_cannot_be_kept_is_told_at_once():
    @dataclass(frozen=True)
    class Odd:
        value: complex

    with pytest.raises(TypeError, match="no way to keep"):
        Codec(Odd)


def test_everything_of_a_session_can_be_kept():
    assert "PDR" in Codec(KeptSession).layout
