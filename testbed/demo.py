"""The main job, seen working: a PDU session through the UPF on this host, in namespaces of its own.

`python -m testbed.demo --help` tells how to run it; `testbed.story` is what happens.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from testbed import leftovers
from testbed.errors import TestbedError
from testbed.limits import interrupt_once, time_limit
from testbed.story import scene_of, tell
from testbed.summary import Summary
from testbed.topology import Lab

_TIME_LIMIT_S = 150


def play(summary: Summary, directory: Path) -> None:
    """Play the whole story into `summary`; logs and captures go to `directory`."""
    lab = Lab()
    before = leftovers.look(lab.id)
    processes: frozenset[int] = frozenset()
    try:
        with scene_of(lab, directory, summary) as scene:
            processes = leftovers.processes_of(lab.id) - {os.getpid()}
            with time_limit(_TIME_LIMIT_S):
                tell(scene)
    except TestbedError as failure:
        summary.record("the story went on", str(failure), passed=False)
    left = leftovers.look(lab.id).added_since(before)
    left += [f"process {pid}" for pid in sorted(processes) if leftovers.is_alive(pid)]
    summary.record("nothing left behind", ", ".join(left) or "nothing", passed=not left)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m testbed.demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(
            "Show the UPF's main job on this host: a PDU session set up over PFCP carries real\n"
            "traffic through the P4 program, and its slice is capped over REST.\n\n"
            "A lab of network namespaces is built for the run and removed after it; nothing\n"
            "outside it is touched. Needs root, about a minute, and no configuration."
        ),
        epilog=(
            "Exit status: 0 if every claim was seen to hold, 1 if one was not, 2 without root,\n"
            "130 if interrupted. On failure the UPF's log and configuration and\n"
            "packet captures of N3, N4 and N6 are kept, and the last line says where."
        ),
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document instead of progress and table"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit status."""
    arguments = _arguments(argv)
    if os.geteuid() != 0:
        print("demo: network namespaces and XDP need root: run it with sudo", file=sys.stderr)
        return 2
    summary = Summary("Tern: what was seen", None if arguments.json else Console())
    interrupt_once()
    directory = Path(tempfile.mkdtemp(prefix="tern-demo-"))
    try:
        play(summary, directory)
    except KeyboardInterrupt:
        shutil.rmtree(directory)
        print("demo: interrupted; the lab is removed", file=sys.stderr)
        return 130
    if arguments.json:
        print(summary.to_json())
    summary.print_table()
    if summary.passed:
        shutil.rmtree(directory)
        return 0
    print(f"demo: logs and captures are in {directory}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
