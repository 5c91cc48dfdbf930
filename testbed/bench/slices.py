"""Many slice changes while sessions and traffic go on: `python -m testbed.bench.slices`.

Nothing acknowledged may be lost, not even by a restart; N4 must not get much slower, and the UPF
must not grow. N4 is timed before, during and after the changes: what else the machine does falls on
all alike. Several runs are taken and the median of each figure is judged.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from testbed.bench.machine import machine
from testbed.bench.slice_load import Outcome
from testbed.command import spawn, stop
from testbed.gnb import GNB, UE
from testbed.open5gs import PDUSession, Tunnel
from testbed.smf import SMF
from testbed.topology import (
    DN_ADDRESS,
    GNB_ADDRESS,
    SMF_ADDRESS,
    UE_POOL,
    UPF_N3_ADDRESS,
    UPF_N4_ADDRESS,
    Lab,
)
from testbed.upf_process import UPFProcess

N4_PER_S = 50
TRAFFIC_MBPS = 2
_PORT = 9000
_MAX_CHANGE_MS = 50
_MAX_N4_RATIO = 2
_MAX_GROWTH_MIB = 4
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Result:
    """What was seen. Times in milliseconds; memory of the UPF and its switch in MiB; `upf_cores` is
    the part of a core that the UPF took for the changes and all else.
    """

    changes: int
    changes_per_s: float
    change_p50_ms: float
    change_p99_ms: float
    conflicts: int
    lost: int
    lost_by_restart: int
    n4_p50_quiet_ms: float
    n4_p50_during_ms: float
    n4_p99_quiet_ms: float
    n4_p99_during_ms: float
    upf_cores: float
    memory_before_mib: float
    memory_after_mib: float

    def faults(self, wanted_per_s: float) -> list[str]:
        """What was not as it must be."""
        checks = {
            f"{self.lost} changes lost": self.lost == 0,
            f"{self.lost_by_restart} changes lost by a restart": self.lost_by_restart == 0,
            f"{self.changes_per_s:.0f} changes/s": self.changes_per_s >= 0.98 * wanted_per_s,
            f"p99 of a change {self.change_p99_ms:.0f} ms": self.change_p99_ms <= _MAX_CHANGE_MS,
            f"N4 p99 {self.n4_p99_during_ms:.1f} ms, {self.n4_p99_quiet_ms:.1f} without": (
                self.n4_p99_during_ms <= _MAX_N4_RATIO * self.n4_p99_quiet_ms
            ),
            f"memory {self.memory_before_mib:.1f} -> {self.memory_after_mib:.1f} MiB": (
                self.memory_after_mib <= self.memory_before_mib + _MAX_GROWTH_MIB
            ),
        }
        return [what for what, is_right in checks.items() if not is_right]


def summary(results: list[Result]) -> Result:
    """The median of each figure; of what was lost, the sum."""
    medians = {
        each.name: median(getattr(result, each.name) for result in results)
        for each in fields(Result)
    }
    lost = {
        name: sum(getattr(result, name) for result in results)
        for name in ("lost", "lost_by_restart")
    }
    return Result(**{**medians, **lost})


def measure(per_s: float, seconds: float, directory: Path) -> Result:
    """Run the load in a lab of its own; the UPF's log and store go to `directory`."""
    with Lab() as lab, contextlib.ExitStack() as stack:
        namespace = lab.namespace("upf")
        with UPFProcess(namespace, directory) as upf:
            smf = stack.enter_context(SMF(lab.namespace("core"), SMF_ADDRESS, UPF_N4_ADDRESS))
            gnb = stack.enter_context(GNB(lab.namespace("ran"), GNB_ADDRESS))
            smf.associate()
            probed = smf.establish(PDUSession(smf.allocate_cp_seid(), SMF_ADDRESS, UE_POOL[9]))
            stack.enter_context(_traffic(lab, smf, gnb))
            # What is made once, such as the slices, is made before anything is measured.
            _load(namespace, per_s, 1)
            quiet_ms = _told(_probe(lab, probed.up_seid, seconds / 2))
            memory_before, used_before = _memory_mib(upf), _used_s(upf)
            probing = _probe(lab, probed.up_seid, seconds)
            outcome = _load(namespace, per_s, seconds)
            used_s = _used_s(upf) - used_before
            during_ms = _told(probing)
            memory_after = _memory_mib(upf)
            lost = outcome.lost(upf.rest.get("/v1/slices"))
            quiet_ms += _told(_probe(lab, probed.up_seid, seconds / 2))
        with UPFProcess(namespace, directory) as again:
            lost_by_restart = outcome.lost(again.rest.get("/v1/slices"))
    return Result(
        changes=len(outcome.took_ms),
        changes_per_s=len(outcome.took_ms) / outcome.took_s,
        change_p50_ms=_percentile(outcome.took_ms, 50),
        change_p99_ms=_percentile(outcome.took_ms, 99),
        conflicts=outcome.conflicts,
        lost=lost,
        lost_by_restart=lost_by_restart,
        n4_p50_quiet_ms=_percentile(quiet_ms, 50),
        n4_p50_during_ms=_percentile(during_ms, 50),
        n4_p99_quiet_ms=_percentile(quiet_ms, 99),
        n4_p99_during_ms=_percentile(during_ms, 99),
        upf_cores=used_s / outcome.took_s,
        memory_before_mib=memory_before,
        memory_after_mib=memory_after,
    )


@contextlib.contextmanager
def _traffic(lab: Lab, smf: SMF, gnb: GNB) -> Iterator[None]:
    """A UE that sends to the data network all the time."""
    session = PDUSession(smf.allocate_cp_seid(), SMF_ADDRESS, UE_POOL[2])
    established = smf.establish(session)
    teid = gnb.allocate_downlink_teid()
    ue = UE(lab.add_room("ue1"), session.ue_ipv4, session.qfi, established.uplink.teid, teid)
    gnb.attach(ue, UPF_N3_ADDRESS)
    smf.forward_to_gnb(established, Tunnel(teid, GNB_ADDRESS))
    argv = [sys.executable, "-m", "testbed.datagrams", str(DN_ADDRESS), str(_PORT)]
    source = spawn([*argv, str(TRAFFIC_MBPS), "3600"], namespace=ue.namespace)
    try:
        yield
    finally:
        stop(source)


def _load(namespace: str, per_s: float, seconds: float) -> Outcome:
    argv = [sys.executable, "-m", "testbed.bench.slice_load", str(per_s), str(seconds)]
    return Outcome(**_told(spawn(argv, namespace=namespace, stdout=subprocess.PIPE)))


def _probe(lab: Lab, up_seid: int, seconds: float) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-m", "testbed.bench.n4_probe", str(SMF_ADDRESS), str(UPF_N4_ADDRESS)]
    return spawn(
        [*argv, str(up_seid), str(N4_PER_S), str(seconds)],
        namespace=lab.namespace("core"),
        stdout=subprocess.PIPE,
    )


def _told(process: "subprocess.Popen[bytes]") -> Any:
    """What a process says in JSON when it is done."""
    told, _ = process.communicate()
    return json.loads(told)


def _percentile(values: list[float], percent: int) -> float:
    return quantiles(values, n=100)[percent - 1]


def _memory_mib(upf: UPFProcess) -> float:
    """Resident memory of the UPF and its switch."""
    total_kib = 0
    for pid in (upf.pid, upf.switch_pid):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                total_kib += int(line.split()[1])
    return total_kib / 1024


def _used_s(upf: UPFProcess) -> float:
    """Processor time that the UPF took so far, its switch not counted."""
    text = Path(f"/proc/{upf.pid}/stat").read_text(encoding="ascii")
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS_PER_S


def main() -> int:
    """Exit status 1 if something was not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-s", type=float, default=500, help="slice changes a second")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    arguments = parser.parse_args()
    host, results = machine(), []
    for _ in range(arguments.runs):
        with tempfile.TemporaryDirectory() as directory:
            results.append(measure(arguments.per_s, arguments.seconds, Path(directory)))
    judged = summary(results)
    print(markdown(host, results, judged))
    if arguments.json:
        told = {"machine": host, "median": asdict(judged), "runs": [asdict(r) for r in results]}
        arguments.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    faults = judged.faults(arguments.per_s)
    for fault in faults:
        print(f"not as it must be: {fault}")
    return 1 if faults else 0


def markdown(host: dict[str, Any], results: list[Result], judged: Result) -> str:
    """A table of all runs with their medians."""
    lines = [
        (
            f"{host['cpu']}, {host['cores']} cores, load {host['load']:.1f} when it began, Python "
            f"{host['python']}, Linux {host['kernel']}."
        ),
        "",
        f"| | median | {' | '.join(f'run {n}' for n in range(1, len(results) + 1))} |",
        f"|---|{'--:|' * (len(results) + 1)}",
    ]
    for each in fields(Result):
        cells = [f"{getattr(result, each.name):.6g}" for result in (judged, *results)]
        lines.append(f"| `{each.name}` | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
