"""Kill a switch again and again under traffic: `python -m testbed.faults.restarts --restarts 100`.

The process is killed (SIGKILL) at random moments, most of them in the middle of writes, and started
again. Frames pass all the while. In the end every frame must have arrived, once; the counters must
have counted each; and what the switch holds must be what the controller wrote.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import grpc
from finsy.proto import p4i
from google.protobuf import text_format

from testbed.command import PROJECT, run
from testbed.faults.ledger import Ledger
from testbed.faults.switch_process import SwitchProcess
from testbed.faults.wire import Traffic, hosts, tag

PROGRAM = PROJECT / "testbed" / "faults" / "lasting.p4"
_LONGEST_LIFE_S = 1.0
_SETTLE_S = 0.5


@dataclass(frozen=True, slots=True)
class Account:
    """What became of everything. `longest_down_s`: from a kill to the next READY."""

    restarts: int
    sent: int
    missing: int
    doubled: int
    received_counter: int
    sent_counter: int
    writes: int
    entries: int
    longest_down_s: float

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost."""
        counted = self.received_counter == self.sent_counter == self.sent
        return counted and not self.missing and not self.doubled

    def __str__(self) -> str:
        return (
            f"{self.restarts} kills: {self.sent} frames sent, {self.missing} missing, "
            f"{self.doubled} doubled; counters {self.received_counter} and {self.sent_counter}; "
            f"{self.entries} entries after {self.writes} writes, all as written; "
            f"longest without a server {self.longest_down_s:.1f} s"
        )


def kill_repeatedly(restarts: int, *, per_s: int, seed: int) -> Account:
    """Do it; AssertionError if the entries are not those that were written."""
    with tempfile.TemporaryDirectory(prefix="tern-faults-") as name, hosts(tag()) as pair:
        directory = Path(name)
        build = directory / "build"
        run(sys.executable, "-m", "p4xdp", "compile", str(PROGRAM), "-o", str(build))
        info = text_format.Parse((build / "lasting.p4info.txtpb").read_text(), p4i.P4Info())
        switch = SwitchProcess(build, dict(enumerate(pair, 1)), directory)
        try:
            return _run(switch, Ledger(info, seed), list(pair.values()), restarts, per_s)
        finally:
            switch.detach()


def _run(
    switch: SwitchProcess, ledger: Ledger, namespaces: list[str], restarts: int, per_s: int
) -> Account:
    moments = random.Random(restarts)
    longest_down_s = 0.0
    switch.start()
    ledger.connect(switch.address)
    ledger.wire({1: 2, 2: 1})
    with Traffic(*namespaces, per_s=per_s) as traffic:
        for _ in range(restarts):
            killer = threading.Timer(moments.uniform(0, _LONGEST_LIFE_S), switch.kill)
            killer.start()
            _write_until_dead(ledger)
            killer.join()
            ledger.hang_up()
            down = time.monotonic()
            switch.start()
            longest_down_s = max(longest_down_s, time.monotonic() - down)
            ledger.connect(switch.address)
            ledger.settle()
            ledger.compare()
        time.sleep(_SETTLE_S)
    received, sent = ledger.received(1)
    ledger.hang_up()
    return Account(
        restarts=restarts,
        sent=traffic.sent,
        missing=len(traffic.missing()),
        doubled=traffic.doubled(),
        received_counter=received,
        sent_counter=sent,
        writes=ledger.writes,
        entries=len(ledger.entries),
        longest_down_s=longest_down_s,
    )


def _write_until_dead(ledger: Ledger) -> None:
    while True:
        try:
            ledger.write_something()
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                raise
            return


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=100)
    parser.add_argument("--frames-per-s", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    account = kill_repeatedly(options.restarts, per_s=options.frames_per_s, seed=options.seed)
    print(account)
    if not account.is_clean:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
