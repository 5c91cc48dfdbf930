"""The door between the P4Runtime server and whatever runs the program.

The server has validated everything that passes here against P4Info: ids exist, values fit their
widths, a key is complete. A data plane keeps entries, counters and meters and moves packets. All
integers are unsigned; names are those of `ir` (`Ingress.detection.ports`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from p4xdp.columns import Numbers


class DataplaneError(Exception):
    """The data plane could not do it. The message says what and why."""


class TableFullError(DataplaneError):
    """No room for another entry: RESOURCE_EXHAUSTED on the wire."""


class RefusedError(DataplaneError):
    """The data plane has not got what is asked for: INVALID_ARGUMENT on the wire."""


@dataclass(frozen=True, slots=True)
class Match:
    """One field of a key: exact (mask all ones), lpm and ternary (value, mask), or range.

    For lpm the mask is the prefix; `high` is the upper end of a range (then `value` is the lower
    and `mask` is unused). An omitted field is mask 0, or the full range.
    """

    value: int
    mask: int
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What a table holds. The key is `matches` (all fields in order) and `priority` together."""

    matches: tuple[Match, ...]
    action: str
    arguments: tuple[int, ...]
    priority: int = 0


@dataclass(frozen=True, slots=True)
class MeterConfig:
    """Two rates, three colours. Rates in bytes (or packets) per second, bursts in the same."""

    cir: int
    cburst: int
    pir: int
    pburst: int


@dataclass(frozen=True, slots=True)
class CounterValue:
    packets: int
    octets: int


@dataclass(frozen=True, slots=True)
class Replica:
    """Where a copy goes: through egress as a packet to `port`, with `instance` as egress_rid."""

    port: int
    instance: int = 0


@dataclass(frozen=True, slots=True)
class CloneSession:
    """What becomes of packets mirrored to a session: a copy for each replica, one after the other.

    Of the frame copied, `most_octets` at most are taken; 0 is all of them.
    """

    replicas: tuple[Replica, ...]
    most_octets: int = 0


@dataclass(frozen=True, slots=True)
class PacketResult:
    """What became of one packet run through a data plane by hand.

    `verdict` is "drop", "forward" (out of `port`), "host" (to this host's own stack) or
    "controller" (a packet-in, its header first). A drop has port None and an empty frame. `copies`
    tells the same of the copies made of it, in the order they were made; `digests` are the values
    that the controller is told, each under the name of the digest.
    """

    verdict: Literal["drop", "forward", "host", "controller"]
    port: int | None
    frame: bytes
    copies: tuple[PacketResult, ...] = ()
    digests: tuple[tuple[str, tuple[int, ...]], ...] = ()


def require_cells(array: str, first: int, count: int, size: int) -> None:
    """Refuse cells that an array of `size` has not got."""
    if first < 0 or count < 0 or first + count > size:
        raise DataplaneError(f"{array} has cells 0..{size - 1}, not {first}..{first + count - 1}")


class Dataplane(Protocol):
    """All calls are made under the server's write lock, from one thread.

    A call either takes full effect or raises and leaves everything as it was.
    """

    def insert_entries(self, table: str, entries: Sequence[Entry]) -> None:
        """Add entries whose keys are not there yet, all or none."""

    def modify_entries(self, table: str, entries: Sequence[Entry]) -> None:
        """Replace the action of entries that are there; each replacement is atomic to packets."""

    def delete_entries(self, table: str, entries: Sequence[Entry]) -> None:
        """Remove entries by key."""

    def set_default(self, table: str, action: str, arguments: tuple[int, ...]) -> None:
        """Change what a miss does."""

    def constant_entries(self) -> Mapping[str, Sequence[Entry]]:
        """Return the entries of the tables that the program itself fills, by table."""

    def read_counter(self, counter: str, first: int, count: int) -> list[CounterValue]:
        """Read `count` cells from `first` on."""

    def read_columns(self, counter: str, first: int, count: int) -> tuple[Numbers, Numbers]:
        """Read packets and octets of `count` cells from `first` on."""

    def write_counter(self, counter: str, index: int, value: CounterValue) -> None:
        """Set a cell."""

    def read_direct_counter(self, table: str, entry: Entry) -> CounterValue:
        """Read an entry's own counter."""

    def write_direct_counter(self, table: str, entry: Entry, value: CounterValue) -> None:
        """Set an entry's own counter."""

    def idle_times(self, table: str, entries: Sequence[Entry]) -> list[int]:
        """Return for each entry how long it has not been hit, nor been there, in nanoseconds."""

    def write_meter(self, meter: str, index: int, config: MeterConfig | None) -> None:
        """Configure a cell; None lets everything pass green."""

    def write_direct_meter(self, table: str, entry: Entry, config: MeterConfig | None) -> None:
        """Configure an entry's own meter."""

    def read_register(self, register: str, first: int, count: int) -> list[tuple[int, ...]]:
        """Read `count` cells from `first` on, each a number a field."""

    def write_register(self, register: str, index: int, value: tuple[int, ...]) -> None:
        """Set a cell, in one step to packets."""

    def reset_registers(self) -> None:
        """Set every cell of every register to what the program starts with."""

    def set_clone_session(self, session: int, clones: CloneSession | None) -> None:
        """Say what becomes of packets mirrored to `session`; None: no copies are made."""

    def send(self, frame: bytes) -> None:
        """Packet-out: `frame` begins with the packet_out header; it enters at the CPU port."""

    def on_packet_in(self, receiver: Callable[[bytes], None]) -> None:
        """Packet-in: `receiver` gets every frame sent to the CPU port, packet_in header first.

        Called from the event loop's thread.
        """

    def on_digest(self, receiver: Callable[[str, tuple[int, ...]], None]) -> None:
        """Digests: `receiver` gets the name and the values, a number each. Called as above."""

    def port_names(self) -> dict[int, str]:
        """Port number -> interface name."""

    def port_states(self) -> dict[int, str]:
        """Port number -> "up", "down" or "gone", of all ports that packets can leave by."""

    def close(self) -> None:
        """Detach and release everything."""


class ServedDataplane(Dataplane, Protocol):
    """A data plane that tells what it holds, so that a server can begin with that."""

    def replace(self, *, keeps: bool) -> None:
        """Go over to the program that is compiled now, in one step to packets: with all that this
        one holds (`keeps`; RefusedError if not all of it can go on), or with nothing of it.
        """

    def held_entries(self, table: str) -> Iterable[Entry]:
        """Return what a table holds: what the program itself fills it with, and what is left from
        before if the data plane outlived its server. Of the same priority, the first one first.
        """

    def initial_default(self, table: str) -> tuple[str, tuple[int, ...]] | None:
        """Return the action and arguments of a miss at the program's start; None if not known."""

    def held_default(self, table: str) -> tuple[str, tuple[int, ...]] | None:
        """Return the action and arguments of a miss; None if that is as at the start."""

    def held_meters(self, meter: str) -> Mapping[int, MeterConfig]:
        """Return the cells of a meter that are configured, each with how."""

    def held_direct_meters(self, table: str) -> Iterable[tuple[Entry, MeterConfig]]:
        """Return the entries whose own meter is configured, each with how."""

    def on_ports(self, receiver: Callable[[], None]) -> None:
        """Call `receiver` whenever the state of a port has changed, on the event loop's thread."""
