"""What a packet underwent, as values: passages through a gress, each with its steps in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from p4xdp import ir
from p4xdp.dataplane import Entry, Match, MeterConfig, PacketResult


@dataclass(frozen=True, slots=True)
class Value:
    """A number of the program by its name; `width` in bits."""

    name: str
    value: int
    width: int


@dataclass(frozen=True, slots=True)
class KeyField:
    """A field of a table's key: what was looked for, and what the entry that was hit asks."""

    name: str
    kind: ir.MatchKind
    value: int
    width: int
    match: Match | None


@dataclass(frozen=True, slots=True)
class Parsed:
    """The parser was in a state. `changes` begins with the headers it extracted."""

    state: str
    at: ir.Position
    changes: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """A table was applied. `entry` None: none matched and the default action ran.

    `is_constant`: the entries are the program's own.
    """

    table: str
    at: ir.Position
    key: tuple[KeyField, ...]
    entry: Entry | None
    action: str
    arguments: tuple[Value, ...]
    is_constant: bool
    changes: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Ran:
    """Code between tables changed something."""

    at: ir.Position
    changes: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Counted:
    """A counter would have counted. `index` None: the counter of the entry that was hit."""

    counter: str
    at: ir.Position
    index: int | None
    octets: int


@dataclass(frozen=True, slots=True)
class Metered:
    """A meter was asked. `config` None: it limits nothing. It is taken as not used up."""

    meter: str
    at: ir.Position
    index: int | None
    config: MeterConfig | None


@dataclass(frozen=True, slots=True)
class Registered:
    """A cell of a register was read and written. None: the register has no such cell."""

    register: str
    at: ir.Position
    index: int
    before: tuple[int, ...] | None
    after: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The deparser mirrored the packet to a clone session; copies themselves are not traced."""

    at: ir.Position
    session: int


Step: TypeAlias = Parsed | Applied | Ran | Counted | Metered | Registered | Mirrored


@dataclass(frozen=True, slots=True)
class Drop:
    """Where a packet was dropped: by the parser, or where `drop_ctl` was set.

    `action` is that of the table whose action did it, if one did.
    """

    at: ir.Position
    action: str | None
    parser_error: int


@dataclass(frozen=True, slots=True)
class Passage:
    """One gress. `leaving` is what it handed on, headers of the program's own included.

    `emitted` names the headers that the deparser put in front, if only of a copy.
    """

    gress: str
    port: int
    frame: bytes
    steps: tuple[Step, ...]
    parser_error: int
    drop: Drop | None
    emitted: tuple[str, ...]
    leaving: bytes | None


@dataclass(frozen=True, slots=True)
class Trace:
    """A packet received on `port`, what it underwent and what became of it.

    `is_recirculated_twice`: the switch itself dropped it for that.
    """

    port: int
    frame: bytes
    passages: tuple[Passage, ...]
    result: PacketResult
    is_recirculated_twice: bool
