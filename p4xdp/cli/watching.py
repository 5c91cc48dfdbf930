"""`p4xdp trace --live`: packets of a running switch under the microscope, as they come."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from p4xdp.cli.common import fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from p4xdp import ir
    from p4xdp.trace import Trace
    from p4xdp.trace.matching import Condition


@dataclass(frozen=True, slots=True)
class Watched:
    """What is watched, and for how long."""

    name: str
    run_directory: Path
    port: int
    matches: Sequence[str]
    most_packets: int
    within_s: float


def live(
    program: ir.Program,
    watched: Watched,
    trace_with: Callable[[str, bytes], Trace],
    show: Callable[[Trace], None],
) -> None:
    """Show the packets that match. `trace_with` traces one with the entries of the switch at an
    address; without a packet in time the status is 1.
    """
    from p4xdp import control, trace  # noqa: PLC0415
    from p4xdp.client import SwitchError  # noqa: PLC0415
    from p4xdp.dataplane import DataplaneError  # noqa: PLC0415
    from p4xdp.trace.matching import condition  # noqa: PLC0415
    from p4xdp.xdp.home import directory_of  # noqa: PLC0415

    shown = 0
    try:
        conditions = [condition(program, each) for each in watched.matches]
        directory = directory_of(watched.name, watched.run_directory)
        address = control.ask(directory, {"do": "ports"})["p4runtime"]
        for frame in _meant(program, watched, conditions, directory):
            show(trace_with(address, frame))
            shown += 1
            if shown == watched.most_packets:
                break
    except KeyboardInterrupt:
        pass
    except (control.ControlError, DataplaneError, SwitchError, trace.TraceError) as error:
        fail(str(error))
    if not shown:
        raise SystemExit(1)


def _meant(
    program: ir.Program, watched: Watched, conditions: Sequence[Condition], directory: Path
) -> Iterator[bytes]:
    """Yield frames that hold all conditions; say in the end what went by."""
    from p4xdp import control  # noqa: PLC0415
    from p4xdp.trace import FileSource, trace  # noqa: PLC0415

    nothing = FileSource(program, None)
    patterns = [each.octets for each in conditions if each.octets is not None]
    counts = {"seen": 0, "missed": 0}
    told = control.watch(
        directory, watched.port, patterns[: control.MOST_PATTERNS], watched.within_s
    )
    try:
        with closing(told):
            for each in told:
                if "seen" in each:
                    counts = each
                    continue
                # What was cut off counts for lengths, and no program looks that far.
                frame = bytes.fromhex(each["octets"]).ljust(each["length"], b"\0")
                # What the parser makes of it does not depend on entries.
                parsed = trace(program, nothing, watched.port, frame) if conditions else None
                if parsed is None or all(one.holds(parsed) for one in conditions):
                    yield frame
    finally:
        missed = f", {counts['missed']} came too fast to look at" if counts["missed"] else ""
        sys.stderr.write(f"{counts['seen']} frames received on port {watched.port}{missed}\n")
