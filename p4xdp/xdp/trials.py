"""Packets run through a loaded program by hand, and what the switch around it has dropped."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from p4xdp.dataplane import DataplaneError, PacketResult
from p4xdp.xdp.programs import BENCHMARK_PROGRAM
from p4xdp.xdp.running import RunResult, run_program

if TYPE_CHECKING:
    from p4xdp.xdp.objects import Loaded
    from p4xdp.xdp.programs import Settings

SHORTEST_FRAME_OCTETS = 14
_INJECTED_HEAD = 128
_INJECTION = struct.Struct(f"<QIi{_INJECTED_HEAD}sI4x")  # struct switch_injection

# enum switch_drop, negated.
_SWITCH_DROPS = {
    2: "no_ingress_port",
    3: "no_egress_port",
    4: "controller_busy",
    5: "too_long_for_controller",
    6: "no_headroom",
    7: "internal",
    8: "register_busy",
    9: "recirculated_twice",
    10: "misparsed",
    11: "no_clone_session",
    12: "copies_busy",
    13: "copy_too_long",
    14: "mirrored_twice",
    15: "digests_busy",
}


class Trials:
    """Runs of a program that was loaded for testing."""

    def __init__(self, loaded: Loaded, settings: Settings) -> None:
        self._loaded = loaded
        self._settings = settings
        self._injection = loaded.map(".data.switch", 4, _INJECTION.size).mapped()

    def run(self, program: str, port: int, frame: bytes, now_ns: int) -> PacketResult:
        """Say what would become of `frame` received on `port`."""
        if len(frame) < SHORTEST_FRAME_OCTETS:
            raise DataplaneError(f"{len(frame)} octets are no frame")
        result, outcome = self._run(program, port, frame, now_ns)
        reason = _SWITCH_DROPS.get(-outcome)
        if reason in ("internal", "misparsed"):
            raise DataplaneError(f"the switch itself drops this packet: {reason}")
        if outcome < 0:
            return PacketResult("drop", None, b"")
        if outcome == self._settings.cpu_port:
            return PacketResult("controller", outcome, result.frame)
        is_ours = outcome == self._settings.host_port
        return PacketResult("host" if is_ours else "forward", outcome, result.frame)

    def measure(self, port: int, frame: bytes, repeat: int, now_ns: int) -> float:
        """Return the nanoseconds that `frame` takes; it is always `now_ns`, unless that is 0."""
        if len(frame) < _INJECTED_HEAD:
            raise DataplaneError(f"a frame of {len(frame)} octets, not at least {_INJECTED_HEAD}")
        result, _ = self._run(BENCHMARK_PROGRAM, port, frame, now_ns, repeat=repeat)
        return result.duration_ns

    def _run(
        self, program: str, port: int, frame: bytes, now_ns: int, *, repeat: int = 1
    ) -> tuple[RunResult, int]:
        head = frame[:_INJECTED_HEAD]
        self._injection[:] = _INJECTION.pack(now_ns, port, 0, head, len(frame))
        result = run_program(self._loaded.program_fd(program), frame, repeat=repeat)
        return result, _INJECTION.unpack(self._injection[:])[2]

    def close(self) -> None:
        """Give the memory back."""
        self._injection.close()


def switch_drops(loaded: Loaded) -> dict[str, int]:
    """Return how many packets the switch itself dropped, by reason."""
    drops = loaded.map("switch_drops", 4, 8, is_per_cpu=True)
    words = memoryview(drops.read_array(0, max(_SWITCH_DROPS) + 1)).cast("Q")
    return {
        reason: sum(words[index * drops.cpus : (index + 1) * drops.cpus])
        for index, reason in _SWITCH_DROPS.items()
    }
