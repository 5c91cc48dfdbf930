"""The switch as the rest of `upf` sees it, whatever it is. Every target speaks P4Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from upf.target.packet_in import PacketIn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

    from upf.entry import Counts, Entry, MeterRate
    from upf.plan import Plan


class Target(Protocol):
    """A switch with our pipeline. All calls raise `upf.errors.TargetError` or one of its kinds."""

    async def apply(self, plan: Plan) -> None:
        """Carry out the plan whole; if any update is refused, undo those accepted and raise
        `WriteRejectedError` (or `TableFullError`) naming the updates refused."""

    async def read_counters(self, counter: str, indexes: Sequence[int]) -> list[Counts]:
        """Read cells of an indexed counter, in the order asked."""

    def counters_request(self, counter: str, indexes: Sequence[int]) -> object:
        """A request for cells of an indexed counter, which may be made any number of times."""

    async def read_columns(self, request: object) -> tuple[Sequence[int], Sequence[int]]:
        """Packets and octets of the cells of a request, in the order asked."""

    async def write_meter(self, meter: str, index: int, rate: MeterRate | None) -> None:
        """Set a cell of an indexed meter; None removes the limit."""

    async def write_meters(self, meter: str, rates: Mapping[int, MeterRate | None]) -> None:
        """Set several cells of an indexed meter in one call."""

    async def read_meters(self, meter: str, indexes: Sequence[int]) -> list[MeterRate | None]:
        """The settings of cells of an indexed meter, in the order asked; None is no limit."""

    async def write_registers(self, register: str, cells: Mapping[int, Sequence[int]]) -> None:
        """Set cells of a register, each a number a field."""

    async def read_registers(self, register: str, indexes: Sequence[int]) -> list[tuple[int, ...]]:
        """Read cells of a register, in the order asked."""

    async def write_clone_session(self, session_id: int, port: int) -> None:
        """Have copies of packets that are mirrored to a session leave by a port."""

    async def read_entries(self, table: str) -> list[Entry]:
        """Everything a table holds."""

    async def differences(
        self, table: str, wanted: Collection[Entry]
    ) -> tuple[list[Entry], list[Entry], int]:
        """What a table holds that is not wanted so, what is wanted and not there so, and how many
        entries it holds."""

    async def packet_out(self, egress_port: int, frame: bytes) -> None:
        """Send a finished frame."""

    async def packet_again(self, ingress_port: int, frame: bytes) -> None:
        """Have the switch deal with a frame as if it had just arrived on a port."""

    def size(self, name: str) -> int:
        """How many entries a table, or cells an array, has on this switch."""

    def counters(self) -> Sequence[str]:
        """The names of all indexed counters of this switch's program."""

    def on_packet_in(self, receiver: Callable[[PacketIn], Awaitable[None]]) -> None:
        """Name who gets the packets that the pipeline shows the controller."""

    def port_faults(self) -> Mapping[int, str]:
        """What is wrong with ports that do not forward, as the switch told last: `n3 is gone`."""

    async def close(self) -> None:
        """Let go of the switch (and end it, if it is ours)."""


__all__ = ["PacketIn", "Target"]
