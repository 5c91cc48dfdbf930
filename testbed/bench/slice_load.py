"""Many slice changes over REST: `python -m testbed.bench.slice_load PER_S SECONDS`.

Changes come paced over several connections, each to slices of its own, and some to one slice that
all of them change by compare and swap (If-Match). What became of them is printed as JSON. A process
of its own, so that it costs the UPF nothing but a share of the machine; blocking sockets and
threads, because they cost least.
"""

import json
import socket
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

CONNECTIONS = 8
SLICES_PER_CONNECTION = 4
SHARED = "shared"
SHARED_EVERY = 20
"""Every so many changes one goes to the shared slice."""

_REST = ("127.0.0.1", 8080)
_TIMEOUT_S = 30.0


@dataclass(slots=True)
class Outcome:
    """What was acknowledged, and how long it took. `rates_mbps`: by slice, as asked for last."""

    took_s: float = 0.0
    took_ms: list[float] = field(default_factory=list)
    rates_mbps: dict[str, float] = field(default_factory=dict)
    swaps: int = 0
    conflicts: int = 0

    def add(self, other: "Outcome") -> None:
        """Take in what another connection did meanwhile."""
        self.took_s = max(self.took_s, other.took_s)
        self.took_ms += other.took_ms
        self.rates_mbps |= other.rates_mbps
        self.swaps += other.swaps
        self.conflicts += other.conflicts

    def lost(self, slices: list[dict[str, Any]]) -> int:
        """How many slices are not what was acknowledged last; each lost swap counts."""
        shown = {each["name"]: each for each in slices}
        lost = sum(
            abs(shown[name]["uplink_mbps"] - rate) > 1e-6 for name, rate in self.rates_mbps.items()
        )
        return lost + abs(self.swaps - shown[SHARED]["max_sessions"])


class Connection:
    """One HTTP/1.1 connection kept open; just enough of a client to be cheap."""

    def __init__(self) -> None:
        self._socket = socket.create_connection(_REST, _TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, dict[bytes, bytes], Any]:
        """Status, headers and JSON of an answer."""
        octets = b"" if body is None else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
        lines += [f"Content-Length: {len(octets)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode() + octets)
        head, _, answer = self._received(b"").partition(b"\r\n\r\n")
        status, *rest = head.split(b"\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in rest)
        length = int(fields.get(b"content-length", 0))
        while len(answer) < length:
            answer = self._received(answer)
        return int(status.split()[1]), fields, json.loads(answer or b"null")

    def _received(self, before: bytes) -> bytes:
        octets = self._socket.recv(65536)
        if not octets:
            raise ConnectionError("the UPF closed the connection")
        return before + octets


class Load:
    """The changes of one connection."""

    def __init__(self, number: int, per_s: float, seconds: float) -> None:
        self.outcome = Outcome()
        self.names = [f"load-{number}-{n}" for n in range(SLICES_PER_CONNECTION)]
        self._number, self._per_s, self._seconds = number, per_s / CONNECTIONS, seconds
        self._connection = Connection()

    def prepare(self) -> None:
        """Make the slices."""
        if self._number == 0:
            self._connection.ask("PUT", f"/v1/slices/{SHARED}", {"sst": 9, "max_sessions": 0})
        for name in self.names:
            self._connection.ask("PUT", f"/v1/slices/{name}", {"sst": 8, "uplink_mbps": 1})

    def run(self) -> None:
        """Change them for the time given, each connection out of step with the others."""
        began = time.monotonic()
        offset = self._number / CONNECTIONS
        for turn in range(int(self._per_s * self._seconds)):
            delay = began + (turn + offset) / self._per_s - time.monotonic()
            if delay > 0:
                time.sleep(delay)
            if turn % SHARED_EVERY == 0:
                self._swap()
            else:
                self._patch(self.names[turn % len(self.names)], 1 + turn * 0.001)
        self.outcome.took_s = time.monotonic() - began

    def _patch(self, name: str, wanted: float) -> None:
        sent = time.monotonic()
        status, _, shown = self._connection.ask(
            "PATCH", f"/v1/slices/{name}", {"uplink_mbps": wanted}
        )
        self.outcome.took_ms.append(1000 * (time.monotonic() - sent))
        if status != 200 or abs(shown["uplink_mbps"] - wanted) > 1e-6:
            raise ValueError(f"{name} was to be {wanted}, answered {status} {shown}")
        self.outcome.rates_mbps[name] = wanted

    def _swap(self) -> None:
        """Add one to the shared slice's session limit, however often others are faster."""
        path = f"/v1/slices/{SHARED}"
        while True:
            _, headers, shown = self._connection.ask("GET", path)
            more = {"max_sessions": shown["max_sessions"] + 1}
            sent = time.monotonic()
            status, _, _ = self._connection.ask(
                "PATCH", path, more, If_Match=headers[b"etag"].decode()
            )
            if status == 200:
                self.outcome.took_ms.append(1000 * (time.monotonic() - sent))
                self.outcome.swaps += 1
                return
            self.outcome.conflicts += 1


def load(per_s: float, seconds: float) -> Outcome:
    """Change slices so often for so long."""
    loads = [Load(number, per_s, seconds) for number in range(CONNECTIONS)]
    for each in loads:
        each.prepare()
    threads = [threading.Thread(target=each.run) for each in loads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcome = Outcome()
    for each in loads:
        outcome.add(each.outcome)
    return outcome


if __name__ == "__main__":
    print(json.dumps(asdict(load(float(sys.argv[1]), float(sys.argv[2])))))
