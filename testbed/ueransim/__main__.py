"""The command line: `python -m testbed.ueransim --help`; `upf lab ueransim` is the same."""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from testbed import leftovers
from testbed.errors import TestbedError
from testbed.limits import interrupt_once, time_limit
from testbed.summary import Summary
from testbed.topology import Lab
from testbed.ueransim import core_free5gc, core_open5gs, programs, sctp
from testbed.ueransim.files import write_all
from testbed.ueransim.plan import TOPOLOGY
from testbed.ueransim.stage import Cast, staged
from testbed.ueransim.story import cast_of_ues, tell
from upf.target import lasting

CORES = {"open5gs": core_open5gs.core, "free5gc": core_free5gc.core}
DATABASE = "mongod --quiet --bind_ip 127.0.0.1 --dbpath {directory}"

_TIME_LIMIT_S = 600
_MOST_UES = 100
_DESCRIPTION = """\
Run UERANSIM's gNB and UEs and a real 5G core against this UPF, on this host.

A lab of network namespaces is built, the UPF, the core's network functions and
the gNB are started in it, and UEs register, get PDU sessions, carry traffic, go
idle, are paged, resume, share two slices, come in numbers and deregister. Every
verdict is told as it is seen, and again in a table. The lab is removed after
it; nothing outside is touched. Needs root, and a few minutes.

What you bring:
  UERANSIM   nr-gnb, nr-ue, nr-cli           (PATH, or --programs DIR)
  Open5GS    open5gs-amfd, open5gs-smfd, …   (PATH, or --programs DIR)
  MongoDB    mongod on PATH, or whatever --database starts
  SCTP       in the kernel (modprobe sctp), or a library given by --preload

docs/interop.md tells with which versions this was seen to pass.
"""
_EPILOG = """\
examples:
  sudo upf lab ueransim --core open5gs --programs ~/UERANSIM/build
  sudo upf lab ueransim --programs ~/UERANSIM/build --programs ~/open5gs/build --ues 50
  sudo upf lab ueransim --check      # only look whether all is there

Exit status: 0 if every verdict passed, 1 if one did not, 2 if something that is
needed is missing, 130 if interrupted. On failure the configurations and logs of
all programs and captures of N2, N3 and N4 are kept; the last line says where.
"""


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line, read."""
    parser = argparse.ArgumentParser(
        prog="upf lab ueransim",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=_DESCRIPTION,
        epilog=_EPILOG,
    )
    add = parser.add_argument
    add("--core", choices=sorted(CORES), default="open5gs", help="which core (default: open5gs)")
    add(
        "--programs",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="look for programs in this folder and below it, before PATH; may be repeated",
    )
    add(
        "--preload",
        type=Path,
        metavar="LIB",
        help="start gNB and AMF with this library preloaded, for kernels without SCTP",
    )
    add(
        "--database",
        default=DATABASE,
        metavar="COMMAND",
        help="what serves MongoDB's protocol at 127.0.0.1:27017 of the core's namespace; "
        "{directory} is an empty folder (default: %(default)s)",
    )
    add("--ues", type=int, default=10, metavar="N", help="UEs that come at once (default: 10)")
    add("--check", action="store_true", help="say what was found and what is missing; run nothing")
    add(
        "--write",
        type=Path,
        metavar="DIR",
        help="only write everybody's configuration there (for testbed/compose)",
    )
    add(
        "--no-idle",
        action="store_true",
        help="leave idle mode out, which UERANSIM as published cannot leave (docs/interop.md)",
    )
    add("--json", action="store_true", help="one JSON document instead of progress and table")
    add("--keep", type=Path, metavar="DIR", help="keep logs and captures there, passed or not")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the lab; return the exit status."""
    asked = arguments(argv)
    try:
        if asked.write is not None:
            return _write(asked)
        cast = _cast(asked)
    except TestbedError as missing:
        print(f"upf lab ueransim: {missing}", file=sys.stderr)
        return 2
    summary = Summary(
        f"UERANSIM, {cast.core.name} and Tern: what was seen",
        None if asked.json else Console(),
    )
    _record_cast(cast, sctp.check(asked.preload), summary)
    if asked.check:
        return _tell(summary, as_json=asked.json)
    return _play(asked, cast, summary)


def _write(asked: argparse.Namespace) -> int:
    files = write_all(asked.write, CORES[asked.core](), cast_of_ues(_crowd(asked)))
    print(f"{len(files)} configurations are in {asked.write}")
    return 0


def _crowd(asked: argparse.Namespace) -> int:
    if not 0 <= asked.ues <= _MOST_UES:
        raise TestbedError(f"--ues {asked.ues}: 0 to {_MOST_UES}")
    return int(asked.ues)


def _cast(asked: argparse.Namespace) -> Cast:
    """What is needed, or TestbedError that says what is missing."""
    if not asked.check and os.geteuid() != 0:
        raise TestbedError("network namespaces and XDP need root: run it with sudo")
    _crowd(asked)
    core = CORES[asked.core]()
    found = programs.find((*programs.RAN, *core.programs), asked.programs)
    sctp.check(asked.preload)
    server = asked.database.split()[0] if asked.database.split() else ""
    if shutil.which(server) is None:
        raise TestbedError(
            f"{server or 'no program'} for the core's database: install MongoDB, or name another "
            "server of its protocol with --database COMMAND"
        )
    return Cast(core, found, asked.preload, asked.database)


def _record_cast(cast: Cast, how_sctp: str, summary: Summary) -> None:
    gnb = cast.programs["nr-gnb"]
    summary.record("UERANSIM", f"{programs.version(gnb)}, {gnb}", passed=True)
    smf, option = cast.programs[cast.core.programs[-1]], cast.core.version_option
    seen = smf if option is None else f"{programs.version(smf, option)}, {smf}"
    summary.record(cast.core.name, seen, passed=True)
    summary.record("SCTP", how_sctp, passed=True)


def _play(asked: argparse.Namespace, cast: Cast, summary: Summary) -> int:
    interrupt_once()
    directory = asked.keep or Path(tempfile.mkdtemp(prefix="tern-ueransim-"))
    directory.mkdir(parents=True, exist_ok=True)
    try:
        _perform(cast, directory, asked, summary)
    except KeyboardInterrupt:
        told = f"upf lab ueransim: interrupted; the lab is removed, logs are in {directory}"
        print(told, file=sys.stderr)
        return 130
    status = _tell(summary, as_json=asked.json)
    if status == 0 and asked.keep is None:
        shutil.rmtree(directory)
    else:
        print(f"upf lab ueransim: logs and captures are in {directory}", file=sys.stderr)
    return status


def _perform(cast: Cast, directory: Path, asked: argparse.Namespace, summary: Summary) -> None:
    lab = Lab(TOPOLOGY)
    before = leftovers.look(lab.id)
    processes: frozenset[int] = frozenset()
    try:
        with staged(lab, cast, directory, cast_of_ues(asked.ues), summary) as stage:
            processes = leftovers.processes_of(lab.id) - {os.getpid()}
            with time_limit(_TIME_LIMIT_S):
                tell(stage, asked.ues, goes_idle=not asked.no_idle)
    except TestbedError as failure:
        summary.record("the story went on", str(failure), passed=False)
    left = _left(lab.id, before, directory)
    left += [f"process {pid}" for pid in sorted(processes) if leftovers.is_alive(pid)]
    summary.record("nothing left behind", ", ".join(left) or "nothing", passed=not left)


def _left(lab_id: str, before: leftovers.Host, directory: Path) -> list[str]:
    """What the lab left on the host. It makes no links there; of pins, those of its UPF are its."""
    after = leftovers.look(lab_id)
    name = lasting.name_of(directory / "upf.state.db") or ""
    own = frozenset(pin for pin in after.pins if name in Path(pin).parts)
    return replace(after, links=before.links, pins=own).added_since(before)


def _tell(summary: Summary, *, as_json: bool) -> int:
    if as_json:
        print(summary.to_json())
    summary.print_table()
    return 0 if summary.passed else 1


if __name__ == "__main__":
    sys.exit(main())
