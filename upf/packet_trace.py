"""What one packet would undergo in the pipeline, as values: the switch's words, not yet ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from upf.entry import Entry
from upf.target.packet_in import PacketIn


@dataclass(frozen=True, slots=True)
class ParserState:
    """The parser of a gress came to a state, where it extracted these headers."""

    gress: str
    name: str
    headers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table was applied. `entry` None: a miss, `action` and `params` are the default's.

    `key` has what was looked for. `is_constant`: the entries are the program's own.
    """

    table: str
    key: Mapping[str, int]
    entry: Entry | None
    action: str
    params: Mapping[str, int]
    is_constant: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """A counter that would have counted; `octets` as it sees them."""

    counter: str
    index: int
    octets: int


@dataclass(frozen=True, slots=True)
class Metered:
    """A meter, taken as not used up. `bytes_per_s` None: it limits nothing."""

    meter: str
    index: int
    bytes_per_s: int | None


@dataclass(frozen=True, slots=True)
class Registered:
    """A cell of a register, before and after."""

    register: str
    index: int
    before: tuple[int, ...]
    after: tuple[int, ...]


TraceStep: TypeAlias = ParserState | Lookup | Counted | Metered | Registered
Verdict: TypeAlias = Literal["forward", "drop", "host", "controller"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketTrace:
    """What became of `frame`, received on `port`.

    `out_port` and `out_frame` are of what leaves. `packet_in` is what the controller is shown.
    """

    port: int
    frame: bytes
    steps: tuple[TraceStep, ...]
    verdict: Verdict
    out_port: int | None = None
    out_frame: bytes = b""
    packet_in: PacketIn | None = None
