"""The statements of STF as p4testgen and p4c's own tests write them, before names are resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Pattern:
    """A number whose bits in `wildcard` do not matter.

    `prefix_bits` is set for `VALUE/BITS`, `high` for `LOW..HIGH`.
    """

    value: int
    wildcard: int = 0
    prefix_bits: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """An action and its arguments by name."""

    action: str
    arguments: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Add:
    """`add TABLE [PRIORITY] KEY:VALUE ... ACTION(PARAMETER:VALUE, ...)`; larger priorities win."""

    line: int
    table: str
    priority: int | None
    matches: tuple[tuple[str, Pattern], ...]
    call: Call


@dataclass(frozen=True, slots=True)
class SetDefault:
    """`setdefault TABLE ACTION(PARAMETER:VALUE, ...)`."""

    line: int
    table: str
    call: Call


@dataclass(frozen=True, slots=True)
class RegisterWrite:
    """`register_write REGISTER INDEX VALUE ...`: as many values as a cell has fields."""

    line: int
    register: str
    index: int
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RemoveAll:
    """`remove all`: tables and registers become as they are when the program starts."""

    line: int


@dataclass(frozen=True, slots=True)
class Packet:
    """`packet PORT OCTETS`: a frame arrives."""

    line: int
    port: int
    frame: bytes


@dataclass(frozen=True, slots=True)
class Expect:
    """`expect PORT [OCTETS[$]]`: a frame leaves. `*` is any nibble; with `$` nothing may follow.

    `nibbles` is None without octets: whatever leaves by the port, any number of frames, is right.
    """

    line: int
    port: int
    nibbles: str | None
    is_whole: bool


@dataclass(frozen=True, slots=True)
class CheckCounter:
    """`check_counter COUNTER(INDEX) packets|bytes == NUMBER`, or another comparison."""

    line: int
    counter: str
    index: int
    unit: Literal["packets", "bytes"]
    comparison: str
    number: int


Statement: TypeAlias = Add | SetDefault | RegisterWrite | RemoveAll | Packet | Expect | CheckCounter


@dataclass(frozen=True, slots=True)
class Vector:
    """One test. It begins with tables and registers as they are when the program starts."""

    name: str
    line: int
    statements: tuple[Statement, ...]
