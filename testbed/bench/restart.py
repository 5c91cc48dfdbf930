"""How long a killed UPF with many sessions is away: `python -m testbed.bench.restart`.

Sessions are set up over N4, the UPF is killed and started again. A heartbeat is sent every few
milliseconds until one is answered, and each session is modified once the UPF is ready.
"""

import argparse
import json
import re
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import repeat
from pathlib import Path

from pfcp import messages
from testbed import netns
from testbed.bench.machine import machine
from testbed.load.generator import Generator, Kind, Outcome
from testbed.load.templates import Shape
from testbed.topology import GNB_ADDRESS, SMF_ADDRESS, UE_POOL, UPF_N4_ADDRESS, Lab
from testbed.upf_process import UPFProcess

_HEARTBEAT_S = 1.0 / 200
_GIVE_UP_S = 120.0
_WINDOW = 64
_SECONDS_1900_TO_1970 = 2_208_988_800
_MAX_HEARTBEAT_S, _MAX_RECONCILED_S = 2.0, 20.0
_SPOKEN = re.compile(
    r"(?P<held>\d+) entries read back, (?P<missing>\d+) missing, (?P<changed>\d+) changed, "
    r"(?P<strays>\d+) strays"
)


@dataclass(frozen=True, slots=True)
class Result:
    """Seconds from the start of the new process. `resident_mib`: UPF and switch, before and after.

    `differences`: entries that had to be written; `refused`: modifications afterwards.
    """

    sessions: int
    entries: int
    first_heartbeat_s: float
    reconciled_s: float
    differences: int
    modified: int
    refused: int
    modify_p50_ms: float
    state_mib: float
    resident_before_mib: float
    resident_after_mib: float

    def faults(self) -> list[str]:
        """What was not as it must be."""
        checks = {
            f"first heartbeat after {self.first_heartbeat_s:.1f} s": (
                self.first_heartbeat_s <= _MAX_HEARTBEAT_S
            ),
            f"reconciled after {self.reconciled_s:.1f} s": self.reconciled_s <= _MAX_RECONCILED_S,
            f"{self.differences} entries were not as they were": self.differences == 0,
            f"{self.refused} of {self.modified} modifications refused": self.refused == 0,
        }
        return [text for text, is_met in checks.items() if not is_met]


class Heartbeats(threading.Thread):
    """Sends heartbeats until one is answered; `answered_at` is when, by the monotonic clock."""

    def __init__(self, namespace: str) -> None:
        super().__init__(daemon=True)
        self.answered_at: float | None = None
        with netns.entered(namespace):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind((str(SMF_ADDRESS), 0))
        self._socket.settimeout(_HEARTBEAT_S)
        # Earlier than the SMF's, so that it does not look as if that had started anew.
        stamp = int(time.time()) + _SECONDS_1900_TO_1970 - 3600
        self._octets = messages.HeartbeatRequest(recovery_time_stamp=stamp).encode(1)

    def run(self) -> None:
        give_up = time.monotonic() + _GIVE_UP_S
        while self.answered_at is None and time.monotonic() < give_up:
            try:
                self._socket.sendto(self._octets, (str(UPF_N4_ADDRESS), 8805))
                self._socket.recv(1024)
                self.answered_at = time.monotonic()
            except ConnectionRefusedError:
                time.sleep(_HEARTBEAT_S)
            except TimeoutError:
                continue
        self._socket.close()


def measure(num_sessions: int, shape: Shape, directory: Path) -> Result:
    """Set up, kill, start, modify."""
    with Lab() as lab, UPFProcess(lab.namespace("upf"), directory) as upf:
        core = lab.namespace("core")
        with netns.entered(core):
            generator = Generator(UPF_N4_ADDRESS, [SMF_ADDRESS], GNB_ADDRESS, UE_POOL[0], shape)
            generator.__enter__()
        try:
            _run(generator, Kind.ESTABLISH, num_sessions)
            _run(generator, Kind.MODIFY, num_sessions)
            before_mib = _resident_mib(upf)
            upf.kill()
            heartbeats = Heartbeats(core)
            began = time.monotonic()
            heartbeats.start()
            upf.start()
            reconciled_s = time.monotonic() - began
            heartbeats.join()
            after_mib = _resident_mib(upf)
            outcome = _run(generator, Kind.MODIFY, num_sessions)
        finally:
            generator.__exit__()
        spoken = list(_SPOKEN.finditer(upf.log.read_text(encoding="utf-8")))[-1]
        latencies = sorted(outcome.latencies[Kind.MODIFY])
        return Result(
            sessions=num_sessions,
            entries=int(spoken["held"]),
            first_heartbeat_s=(heartbeats.answered_at or began + _GIVE_UP_S) - began,
            reconciled_s=reconciled_s,
            differences=sum(int(spoken[each]) for each in ("missing", "changed", "strays")),
            modified=num_sessions,
            refused=sum(outcome.refused.values()) + outcome.unanswered,
            modify_p50_ms=1000 * latencies[len(latencies) // 2],
            state_mib=sum(each.stat().st_size for each in directory.glob("*.db*")) / 2**20,
            resident_before_mib=before_mib,
            resident_after_mib=after_mib,
        )


def _run(generator: Generator, kind: Kind, count: int) -> Outcome:
    return generator.run(repeat(kind), count, window=_WINDOW)


def _resident_mib(upf: UPFProcess) -> float:
    """Resident memory of the UPF and its switch."""
    total_kib = 0
    for pid in (upf.pid, upf.switch_pid):
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        total_kib += int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0])
    return total_kib / 1024


def report(results: list[Result]) -> Iterator[str]:
    """The figures as a page."""
    told = machine()
    yield "# Restarts, measured"
    yield ""
    yield "A UPF with so many sessions is killed (SIGKILL) and started again (`make bench-restart`)"
    yield "while its data plane forwards on. Seconds count from the start of the new process."
    yield "Each session was set up and modified over N4 before, and is modified once more after."
    yield ""
    yield f"{told['cpu']}, {told['cores']} cores, load {told['load']:.1f} before; {told['python']}."
    yield ""
    yield (
        "| Sessions | Entries | First heartbeat answered, s | Ready and reconciled, s | Entries "
        "written anew | Modifications refused after | State file, MiB | Memory before, after, MiB |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for each in results:
        yield (
            f"| {each.sessions:,} | {each.entries:,} | {each.first_heartbeat_s:.2f} | "
            f"{each.reconciled_s:.1f} | {each.differences} | {each.refused} of {each.modified:,} | "
            f"{each.state_mib:.0f} | {each.resident_before_mib:.0f}, "
            f"{each.resident_after_mib:.0f} |"
        )
    yield ""
    yield f"Wanted with 100,000: {_MAX_HEARTBEAT_S:g} s and {_MAX_RECONCILED_S:g} s."


def main() -> int:
    """Exit status 1 if a figure is not as wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--shape", type=Shape, choices=list(Shape), default=Shape.PLAIN)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    results = []
    for number in options.sessions:
        with tempfile.TemporaryDirectory(prefix="tern-bench-") as directory:
            results.append(measure(number, options.shape, Path(directory)))
    print("\n".join(report(results)))
    if options.json:
        told = {"machine": machine(), "results": [asdict(each) for each in results]}
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    faults = [fault for each in results for fault in each.faults()]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
