"""Kill a UPF again and again while SMFs ask: `python -m testbed.faults.upf_kills --kills 20`.

The UPF, or its switch, or both at once are killed (SIGKILL) at random moments while sessions are
established, modified and deleted, and started again. SMFs repeat what nobody answered, as SMFs do.
In the end no request must have been refused (but for those that a switch was away too long for) or
carried out twice; the UPF must have the sessions that its SMFs were told they have, and no others;
and a last start must find nothing to be mended.
"""

import argparse
import os
import random
import re
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from testbed import netns
from testbed.load.generator import Generator, Kind, Outcome, mix
from testbed.load.templates import Shape
from testbed.topology import GNB_ADDRESS, SMF_ADDRESS, UE_POOL, UPF_N4_ADDRESS, Lab
from testbed.upf_process import UPFProcess

_WEIGHTS = {Kind.ESTABLISH: 2, Kind.MODIFY: 3, Kind.DELETE: 1}
_WINDOW = 16
_REQUESTS_A_TURN = 200
_LONGEST_LIFE_S = 1.0
_PAGE = 100
# However slow the machine is.
_REPEATS = 20
_AWAY = "cause 77"
_MENDED = re.compile(r"(\d+) missing, (\d+) changed, (\d+) strays, (\d+) meters set")


@dataclass(frozen=True, slots=True)
class Account:
    """What became of everything. `put_off`: requests refused because the switch was away; `mended`:
    what the last start had to write.
    """

    kills: int
    answered: int
    repeated: int
    put_off: int
    refused: int
    unanswered: int
    sessions_told: int
    sessions_lost: int
    sessions_stray: int
    mended: int

    @property
    def is_clean(self) -> bool:
        """Whether the SMFs noticed nothing."""
        faults = (self.refused, self.unanswered, self.sessions_lost, self.sessions_stray)
        return not any(faults) and not self.mended


class Asking(threading.Thread):
    """SMFs that ask until told to stop."""

    def __init__(self, generator: Generator, seed: int) -> None:
        super().__init__(daemon=True)
        self.outcomes: list[Outcome] = []
        self._generator = generator
        self._kinds = mix(_WEIGHTS, seed)
        self._is_over = threading.Event()

    def run(self) -> None:
        while not self._is_over.is_set():
            outcome = self._generator.run(
                self._kinds, _REQUESTS_A_TURN, window=_WINDOW, is_mixed=True
            )
            self.outcomes.append(outcome)

    def stop(self) -> None:
        """Wait for the last answer."""
        self._is_over.set()
        self.join()


def kill_repeatedly(kills: int, *, seed: int, directory: Path) -> Account:
    """Kill and start so often; what became of everything."""
    drawn = random.Random(seed)
    with Lab() as lab, UPFProcess(lab.namespace("upf"), directory) as upf:
        with netns.entered(lab.namespace("core")):
            generator = Generator(
                *(UPF_N4_ADDRESS, [SMF_ADDRESS], GNB_ADDRESS, UE_POOL[0], Shape.OPEN5GS),
                repeats=_REPEATS,
            )
            generator.__enter__()
        try:
            asking = Asking(generator, seed)
            asking.start()
            for _ in range(kills):
                time.sleep(drawn.uniform(0, _LONGEST_LIFE_S))
                _kill(upf, drawn.choice(("upf", "switch", "both")))
            asking.stop()
        finally:
            generator.__exit__()
        return _account(kills, upf, generator, asking.outcomes)


def _kill(upf: UPFProcess, what: str) -> None:
    if what != "upf":
        os.kill(upf.switch_pid, signal.SIGKILL)
    if what != "switch":
        upf.kill()
        upf.start()
    upf.await_ready()


def _account(kills: int, upf: UPFProcess, generator: Generator, outcomes: list[Outcome]) -> Account:
    told = generator.up_seids()
    held = {int(each["up_seid"], 16) for each in _sessions(upf)}
    upf.kill()
    upf.start()
    refused = [each.refused for each in outcomes]
    mended = _MENDED.findall(upf.log.read_text(encoding="utf-8"))[-1]
    return Account(
        kills=kills,
        answered=sum(len(each) for one in outcomes for each in one.latencies.values()),
        repeated=sum(each.retransmissions for each in outcomes),
        put_off=sum(n for each in refused for cause, n in each.items() if _AWAY in cause),
        refused=sum(n for each in refused for cause, n in each.items() if _AWAY not in cause),
        unanswered=sum(each.unanswered for each in outcomes),
        sessions_told=len(told),
        sessions_lost=len(told - held),
        sessions_stray=len(held - told),
        mended=sum(map(int, mended)),
    )


def _sessions(upf: UPFProcess) -> list[dict[str, str]]:
    """All sessions that a UPF tells of."""
    found: list[dict[str, str]] = []
    while True:
        after = f"&after={found[-1]['up_seid']}" if found else ""
        page = upf.rest.get(f"/v1/sessions?limit={_PAGE}{after}")
        found += page
        if len(page) < _PAGE:
            return found


def main() -> int:
    """Exit status 1 unless all is as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tern-kills-") as directory:
        account = kill_repeatedly(options.kills, seed=options.seed, directory=Path(directory))
    print(account)
    return 0 if account.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
