"""Many slice changes while sessions and traffic go on: `python -m testbed.bench.slices`.

Changes come paced over several connections, each to slices of its own, and some to one slice that
all of them change by compare and swap (If-Match). Nothing acknowledged may be lost, not even by a
restart; N4 must not get much slower, and the UPF must not grow.
"""

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

from testbed import netns
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

CONNECTIONS = 8
SLICES_PER_CONNECTION = 4
SHARED = "shared"
SHARED_EVERY = 20
"""Every so many changes one goes to the shared slice."""

N4_PER_S = 20
TRAFFIC_MBPS = 2
_REST = ("127.0.0.1", 8080)
_PORT = 9000


@dataclass(frozen=True, slots=True)
class Result:
    """What was seen. Times in milliseconds, memory in MiB."""

    changes: int
    changes_per_s: float
    change_p50_ms: float
    change_p99_ms: float
    conflicts: int
    lost: int
    lost_by_restart: int
    n4_p99_before_ms: float
    n4_p99_during_ms: float
    memory_before_mib: float
    memory_after_mib: float

    def faults(self, wanted_per_s: float) -> list[str]:
        """What was not as it must be."""
        checks = {
            f"{self.lost} changes lost": self.lost == 0,
            f"{self.lost_by_restart} changes lost by a restart": self.lost_by_restart == 0,
            f"{self.changes_per_s:.0f} changes/s": self.changes_per_s >= 0.98 * wanted_per_s,
            f"p99 of a change {self.change_p99_ms:.0f} ms": self.change_p99_ms <= 50,
            f"N4 p99 {self.n4_p99_during_ms:.1f} ms, {self.n4_p99_before_ms:.1f} before": (
                self.n4_p99_during_ms <= 2 * self.n4_p99_before_ms
            ),
            f"memory {self.memory_before_mib:.1f} -> {self.memory_after_mib:.1f} MiB": (
                self.memory_after_mib <= self.memory_before_mib + 4
            ),
        }
        return [what for what, is_right in checks.items() if not is_right]


class Connection:
    """One HTTP/1.1 connection kept open; just enough of a client to be cheap."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON of an answer."""
        octets = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
        lines += [f"Content-Length: {len(octets)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + octets)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        fields = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        answer = await self._reader.readexactly(int(fields.get("content-length", 0)))
        return int(head[0].split()[1]), fields, json.loads(answer or b"null")


class Load:
    """The changes and what became of them."""

    def __init__(self, per_s: float, seconds: float) -> None:
        self.took_ms: list[float] = []
        self.acknowledged: dict[str, float] = {}
        self.shared_swaps = self.conflicts = 0
        self._per_s, self._seconds = per_s / CONNECTIONS, seconds

    async def run(self, namespace: str) -> None:
        """Make the slices, then change them for the time given."""
        async with contextlib.AsyncExitStack() as stack:
            connections = [
                await stack.enter_async_context(_connected(namespace)) for _ in range(CONNECTIONS)
            ]
            await connections[0].ask("PUT", f"/v1/slices/{SHARED}", {"sst": 9, "max_sessions": 0})
            for number, each in enumerate(connections):
                for name in _names(number):
                    await each.ask("PUT", f"/v1/slices/{name}", {"sst": 8, "uplink_mbps": 1})
            await asyncio.gather(*(self._change(n, each) for n, each in enumerate(connections)))

    async def _change(self, number: int, connection: Connection) -> None:
        names = _names(number)
        began = time.monotonic()
        for turn in range(int(self._per_s * self._seconds)):
            delay = began + turn / self._per_s - time.monotonic()
            if delay > 0:
                await asyncio.sleep(delay)
            if turn % SHARED_EVERY == 0:
                await self._swap(connection)
                continue
            name, wanted = names[turn % len(names)], 1 + turn * 0.001
            sent = time.monotonic()
            status, _, shown = await connection.ask(
                "PATCH", f"/v1/slices/{name}", {"uplink_mbps": wanted}
            )
            self.took_ms.append(1000 * (time.monotonic() - sent))
            if status != 200 or abs(shown["uplink_mbps"] - wanted) > 1e-6:
                raise ValueError(f"{name} was to be {wanted}, answered {status} {shown}")
            self.acknowledged[name] = wanted

    async def _swap(self, connection: Connection) -> None:
        """Add one to the shared slice's session limit, however often others are faster."""
        path = f"/v1/slices/{SHARED}"
        while True:
            _, headers, shown = await connection.ask("GET", path)
            more = {"max_sessions": shown["max_sessions"] + 1}
            sent = time.monotonic()
            status, _, _ = await connection.ask("PATCH", path, more, If_Match=headers["etag"])
            if status == 200:
                self.took_ms.append(1000 * (time.monotonic() - sent))
                self.shared_swaps += 1
                return
            self.conflicts += 1

    def lost(self, slices: list[dict[str, Any]]) -> int:
        """How many slices are not what was acknowledged last."""
        shown = {each["name"]: each for each in slices}
        lost = sum(
            abs(shown[name]["uplink_mbps"] - rate) > 1e-6
            for name, rate in self.acknowledged.items()
        )
        return lost + abs(self.shared_swaps - shown[SHARED]["max_sessions"])


@contextlib.asynccontextmanager
async def _connected(namespace: str) -> AsyncIterator[Connection]:
    with netns.entered(namespace):
        reader, writer = await asyncio.open_connection(*_REST)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


def _names(number: int) -> list[str]:
    return [f"load-{number}-{n}" for n in range(SLICES_PER_CONNECTION)]


def measure(per_s: float, seconds: float, directory: Path) -> Result:
    """Run the load in a lab of its own; the UPF's log and store go to `directory`."""
    with Lab() as lab, contextlib.ExitStack() as stack:
        upf_namespace = lab.namespace("upf")
        load = Load(per_s, seconds)
        with UPFProcess(upf_namespace, directory) as upf:
            smf = stack.enter_context(SMF(lab.namespace("core"), SMF_ADDRESS, UPF_N4_ADDRESS))
            gnb = stack.enter_context(GNB(lab.namespace("ran"), GNB_ADDRESS))
            smf.associate()
            probed = smf.establish(PDUSession(smf.allocate_cp_seid(), SMF_ADDRESS, UE_POOL[9]))
            stack.enter_context(_traffic(lab, smf, gnb))
            before = _probe(lab, probed.up_seid, seconds)
            n4_before = _p99(_finished(before))
            # What is made once, such as the slices, is made before memory is measured.
            asyncio.run(Load(per_s, 1).run(upf_namespace))
            memory_before = _memory_mib(upf)
            probing = _probe(lab, probed.up_seid, seconds)
            began = time.monotonic()
            asyncio.run(load.run(upf_namespace))
            took_s = time.monotonic() - began
            n4_during = _p99(_finished(probing))
            memory_after = _memory_mib(upf)
            lost = load.lost(upf.rest.get("/v1/slices"))
        with UPFProcess(upf_namespace, directory) as again:
            lost_by_restart = load.lost(again.rest.get("/v1/slices"))
    return Result(
        changes=len(load.took_ms),
        changes_per_s=len(load.took_ms) / took_s,
        change_p50_ms=quantiles(load.took_ms, n=100)[49],
        change_p99_ms=_p99(load.took_ms),
        conflicts=load.conflicts,
        lost=lost,
        lost_by_restart=lost_by_restart,
        n4_p99_before_ms=n4_before,
        n4_p99_during_ms=n4_during,
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


def _probe(lab: Lab, up_seid: int, seconds: float) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-m", "testbed.bench.n4_probe", str(SMF_ADDRESS), str(UPF_N4_ADDRESS)]
    return spawn(
        [*argv, str(up_seid), str(N4_PER_S), str(seconds)],
        namespace=lab.namespace("core"),
        stdout=subprocess.PIPE,
    )


def _finished(probing: "subprocess.Popen[bytes]") -> list[float]:
    told, _ = probing.communicate()
    took_ms: list[float] = json.loads(told)
    return took_ms


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100)[98]


def _memory_mib(upf: UPFProcess) -> float:
    """Resident memory of the UPF's process."""
    for line in Path(f"/proc/{upf.pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {upf.pid} has no VmRSS")


def main() -> int:
    """Exit status 1 if something was not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-s", type=float, default=500, help="slice changes a second")
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        result = measure(arguments.per_s, arguments.seconds, Path(directory))
    print(json.dumps(asdict(result), indent=2))
    faults = result.faults(arguments.per_s)
    for fault in faults:
        print(f"not as it must be: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
