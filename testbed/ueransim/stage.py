"""The lab with everybody in it: UPF, core, its database, gNB; UEs come when they are told to.

Everything is started in the lab's namespaces and stopped with them. Each program's configuration
and log are files of the run's folder, named after it.
"""

import contextlib
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.capture import Capture
from testbed.summary import Summary
from testbed.topology import Lab
from testbed.ueransim import mongo, ran
from testbed.ueransim.core import Core, NetworkFunction
from testbed.ueransim.files import write
from testbed.ueransim.node import Node, wait_for, with_own_nodes
from testbed.ueransim.plan import UPF_CONFIGURATION, Subscriber
from testbed.ueransim.processes import Process
from testbed.ueransim.programs import Programs
from testbed.upf_process import UPFProcess

_FUNCTION_READY_S = 30
_NG_SETUP_S = 20
_SNAP_BYTES = 160  # of user traffic: all headers, little payload
_CAPTURED = (("core", "n4", 65535), ("core", "n2", 65535), ("ran", "n3", _SNAP_BYTES))


@dataclass(frozen=True)
class Cast:
    """Who plays: a core, the programs it and UERANSIM are made of, and what they are started with.

    `preload` is a library that gives gNB and AMF SCTP; `database` a command line that serves
    MongoDB's protocol on the loopback of the namespace it is started in, `{directory}` standing for
    a folder it may keep data in.
    """

    core: Core
    programs: Programs
    preload: Path | None
    database: str


@dataclass
class Stage:
    """The lab while the story is played. `processes` are all that were started, by name."""

    lab: Lab
    cast: Cast
    directory: Path
    summary: Summary
    upf: UPFProcess
    gnb: Node
    processes: list[Process]
    _stack: contextlib.ExitStack

    def start_ues(self, name: str, subscribers: Sequence[Subscriber]) -> list[Node]:
        """Start one process of UEs whose IMSIs follow each other; return its nodes."""
        first = subscribers[0]
        path = write(self.directory, name, ran.ue(first))
        argv = [self.cast.programs["nr-ue"], "-c", str(path), "--no-routing-config"]
        if len(subscribers) > 1:
            argv += ["--num-of-UE", str(len(subscribers)), "--tempo", "100"]
        process = self._start(name, with_own_nodes(argv), "ues")
        cli = self.cast.programs["nr-cli"]
        return [Node(each.supi, process, cli) for each in subscribers]

    def sessions(self) -> list[dict[str, Any]]:
        """The UPF's sessions as REST shows them."""
        found: list[dict[str, Any]] = self.upf.rest.get("/v1/sessions")
        return found

    def restart(self, function: str) -> None:
        """Kill a network function and start it again; wait until it serves."""
        process = next(each for each in self.processes if each.name == function)
        ready = next(each.ready for each in self.cast.core.functions if each.name == function)
        process.kill()
        process.start()
        process.await_line(ready, _FUNCTION_READY_S)

    def dead(self) -> list[str]:
        """Names of programs that ended though nobody asked them to."""
        return [each.name for each in self.processes if not each.is_alive]

    def _start(self, name: str, argv: Sequence[str], room: str) -> Process:
        process = Process(name, argv, self.lab.namespace(room), self.directory)
        return self._stack.enter_context(process)


@contextlib.contextmanager
def staged(
    lab: Lab, cast: Cast, directory: Path, subscribers: Sequence[Subscriber], summary: Summary
) -> Iterator[Stage]:
    """Build the lab and start everybody but the UEs, who are in the core's database."""
    with contextlib.ExitStack() as stack:
        summary.doing(f"building the lab: {', '.join(lab.topology.rooms)}")
        stack.enter_context(lab)
        for room, interface, snap_bytes in _CAPTURED:
            path = directory / f"{interface}.pcap"
            capture = Capture(lab.namespace(room), interface, path, snap_bytes=snap_bytes)
            stack.enter_context(capture)
        summary.doing("starting the UPF")
        namespace = lab.namespace("upf")
        upf = stack.enter_context(UPFProcess(namespace, directory, UPF_CONFIGURATION))
        summary.record("UPF ready", f"pid {upf.pid}", passed=True)
        processes = _start_core(stack, lab, cast, directory, subscribers, summary)
        _await_association(upf, cast.core, summary)
        gnb = _start_gnb(stack, lab, cast, directory, summary)
        processes.append(gnb.process)
        yield Stage(lab, cast, directory, summary, upf, gnb, processes, stack)


def _start_core(
    stack: contextlib.ExitStack,
    lab: Lab,
    cast: Cast,
    directory: Path,
    subscribers: Sequence[Subscriber],
    summary: Summary,
) -> list[Process]:
    room, core = lab.namespace("core"), cast.core
    data = stack.enter_context(tempfile.TemporaryDirectory(prefix="tern-database-"))
    command = shlex.split(cast.database.format(directory=data))
    processes = [stack.enter_context(Process("database", command, room, directory))]
    for collection, documents in core.database.contents(subscribers).items():
        mongo.insert(room, core.database.name, collection, documents)
    summary.record("subscribers provisioned", f"{len(subscribers)}", passed=True)
    for function in core.functions:
        summary.doing(f"starting {function.name.upper()}")
        argv = _command(cast, function, directory)
        process = stack.enter_context(Process(function.name, argv, room, directory))
        process.await_line(function.ready, _FUNCTION_READY_S)
        processes.append(process)
    names = ", ".join(each.name.upper() for each in core.functions)
    summary.record(f"{core.name} ready", names, passed=True)
    return processes


def _command(cast: Cast, function: NetworkFunction, directory: Path) -> list[str]:
    for name, configuration in function.files.items():
        write(directory, name, configuration)
    argv = function.argv(cast.programs[function.program], directory)
    return [*_preload(cast), *argv] if function.uses_sctp else argv


def _preload(cast: Cast) -> list[str]:
    return [] if cast.preload is None else ["env", f"LD_PRELOAD={cast.preload.resolve()}"]


def _await_association(upf: UPFProcess, core: Core, summary: Summary) -> None:
    summary.doing(f"waiting for {core.name}'s SMF")
    seconds = wait_for(
        lambda: bool(upf.rest.get("/v1/associations")),
        core.association_s,
        lambda: f"no association of {core.name}'s SMF",
    )
    association = upf.rest.get("/v1/associations")[0]
    seen = f"{association['node_id']}, {seconds:.1f} s after the core was ready"
    summary.record("PFCP association up", seen, passed=True)


def _start_gnb(
    stack: contextlib.ExitStack, lab: Lab, cast: Cast, directory: Path, summary: Summary
) -> Node:
    path = write(directory, "gnb", ran.gnb())
    argv = with_own_nodes([*_preload(cast), cast.programs["nr-gnb"], "-c", str(path)])
    process = stack.enter_context(Process("gnb", argv, lab.namespace("ran"), directory))
    process.await_line("NG Setup procedure is successful", _NG_SETUP_S)
    summary.record("gNB connected to the AMF", "NG setup successful", passed=True)
    return Node(ran.GNB_NAME, process, cast.programs["nr-cli"])
