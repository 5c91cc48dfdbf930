"""Running one packet with everything that is done to it written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.interp import Interpreter
from p4xdp.trace.recorder import Recorder
from p4xdp.trace.steps import Trace

if TYPE_CHECKING:
    from collections.abc import Collection

    from p4xdp import ir
    from p4xdp.trace.source import Source

CPU_PORT = 192
HOST_PORT = 193


def trace(  # noqa: PLR0913 - which ports are special is part of the question
    program: ir.Program,
    source: Source,
    port: int,
    frame: bytes,
    *,
    cpu_port: int = CPU_PORT,
    host_port: int = HOST_PORT,
    recirculation_ports: Collection[int] = (),
    now_ns: int = 0,
) -> Trace:
    """Return what `frame`, received on `port`, undergoes; SwitchError if `source` fails.

    On `cpu_port` the frame begins with the packet_out header.
    """
    recorder = Recorder(source)
    interpreter = Interpreter(
        program,
        cpu_port=cpu_port,
        host_port=host_port,
        observer=recorder,
        recirculation_ports=recirculation_ports,
    )
    result = interpreter.run(port, frame, now_ns)
    is_twice = interpreter.switch_drops()["recirculated_twice"] > 0
    return Trace(port, frame, tuple(recorder.passages), result, is_twice)
