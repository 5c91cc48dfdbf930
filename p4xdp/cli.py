"""The command `p4xdp`: check and compile P4 programs, and be the switch that runs them.

Every fault ends in one line on stderr, `p4xdp: ...`, and a status that is not 0.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from p4xdp import ir
    from p4xdp.dataplane import Dataplane

app = typer.Typer(
    help="P4-16 for Linux: compile a TNA program to XDP and serve it with P4Runtime.",
    epilog="Typical use: p4xdp compile upf.p4 -o build && p4xdp switch build --port 1=eth0",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Source = Annotated[Path, typer.Argument(metavar="FILE.p4", help="The program's main file.")]
Defines = Annotated[
    list[str] | None,
    typer.Option("-D", metavar="NAME[=VALUE]", help="Define a macro of the preprocessor."),
]
Includes = Annotated[
    list[Path] | None, typer.Option("-I", metavar="DIR", help="Look here for included files too.")
]


class Mode(StrEnum):
    """How programs attach to interfaces."""

    auto = "auto"
    native = "native"
    generic = "generic"


def main() -> None:
    """Entry point of the console script."""
    app(prog_name="p4xdp")


@app.command()
def check(source: Source, defines: Defines = None, includes: Includes = None) -> None:
    """Say whether a program is correct and inside the supported subset of P4-16."""
    program = _load(source, defines, includes)
    gresses = (program.ingress, program.egress)
    tables = sum(len(gress.tables) for gress in gresses)
    print(f"{source}: correct; {program.architecture}, {tables} tables")  # noqa: T201


@app.command()
def p4info(source: Source, defines: Defines = None, includes: Includes = None) -> None:
    """Print the P4Info of a program, as text."""
    from p4xdp.p4info import p4info as info_of  # noqa: PLC0415
    from p4xdp.p4info import to_text  # noqa: PLC0415

    sys.stdout.write(to_text(info_of(_load(source, defines, includes))))


@app.command(name="compile")
def compile_(
    source: Source,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="DIR", help="Where the three files go.")
    ],
    defines: Defines = None,
    includes: Includes = None,
) -> None:
    """Write NAME.p4info.txtpb, NAME.bpf.c and NAME.json (the manifest) of a program."""
    from p4xdp import xdp  # noqa: PLC0415
    from p4xdp.p4info import p4info as info_of  # noqa: PLC0415
    from p4xdp.p4info import to_text  # noqa: PLC0415
    from p4xdp.xdp.errors import UnsupportedProgramError  # noqa: PLC0415
    from p4xdp.xdp.manifest import to_text as manifest_text  # noqa: PLC0415

    program = _load(source, defines, includes)
    try:
        c_text, manifest = xdp.generate(program)
    except UnsupportedProgramError as error:
        _fail(str(error))
    files = {
        f"{source.stem}.p4info.txtpb": to_text(info_of(program)),
        f"{source.stem}.bpf.c": c_text,
        f"{source.stem}.json": manifest_text(manifest),
    }
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (output / name).write_text(text)
    except OSError as error:
        _fail(f"cannot write to {output}: {error.strerror}")


@app.command()
def switch(  # noqa: PLR0913 - the command's options
    build: Annotated[Path, typer.Argument(metavar="DIR", help="What `p4xdp compile` wrote.")],
    *,
    port: Annotated[
        list[str], typer.Option(metavar="NUMBER=IFACE", help="A port of the switch; repeat it.")
    ],
    listen: Annotated[
        str, typer.Option(metavar="ADDRESS", help="unix:PATH or HOST:PORT for P4Runtime.")
    ] = "127.0.0.1:9559",
    device_id: Annotated[int, typer.Option(min=1, help="P4Runtime's device id.")] = 1,
    cpu_port: Annotated[
        int, typer.Option(min=0, max=511, help="Behind it are P4Runtime's packet-in and -out.")
    ] = 192,
    host_port: Annotated[
        int, typer.Option(min=0, max=511, help="Behind it is this host's own network stack.")
    ] = 193,
    size: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=N", help="Entries of a table or cells of an array; repeat it."),
    ] = None,
    mode: Annotated[
        Mode, typer.Option(help="auto: native where the driver can, else generic, and say so.")
    ] = Mode.auto,
    die_with_parent: Annotated[
        bool, typer.Option("--die-with-parent", help="End when the process that started us ends.")
    ] = False,
    log_level: Annotated[
        str, typer.Option(metavar="LEVEL", help="debug, info, warning or error; to stderr.")
    ] = "info",
) -> None:
    """Run a compiled program on network interfaces and serve it with P4Runtime.

    Prints READY and the address on stdout once it serves. SIGTERM or Ctrl-C detaches from the
    interfaces and ends it. Needs root (CAP_NET_ADMIN and CAP_BPF) and clang.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its own complaints are not for the user
    from p4xdp.runtime import process  # noqa: PLC0415

    _log_to_stderr(log_level)
    if die_with_parent:
        process.die_with_parent()
    ports = {
        number: interface
        for number, interface in (_pair(each, "--port", "1=eth0") for each in port)
        if _is_port(number, cpu_port, host_port)
    }
    if len(ports) != len(port) or len(set(ports.values())) != len(ports):
        _fail("--port: every number and every interface may be given once")
    asyncio.run(_switch(build, ports, listen, device_id, (cpu_port, host_port), size or [], mode))


async def _switch(
    build: Path,
    ports: dict[int, str],
    listen: str,
    device_id: int,
    own_ports: tuple[int, int],
    size_options: list[str],
    mode: Mode,
) -> None:
    from p4xdp import runtime  # noqa: PLC0415
    from p4xdp.dataplane import DataplaneError  # noqa: PLC0415
    from p4xdp.runtime import artifacts, process  # noqa: PLC0415

    stop = process.stop_signals()
    try:
        pipeline = artifacts.load(build)
        sizes = artifacts.sizes(pipeline.p4info, size_options)
        runtime.check_listen(listen)  # before any interface is touched
        dataplane = _open_dataplane(build, ports, own_ports, sizes, mode)
    except (artifacts.ArtifactError, runtime.ListenError, DataplaneError) as error:
        _fail(str(error))
    try:
        server = await runtime.serve(
            dataplane,
            pipeline.p4info,
            listen=listen,
            device_id=device_id,
            device_config=pipeline.device_config,
            sizes=sizes,
        )
        print(f"READY {server.address}", flush=True)  # noqa: T201
        await stop.wait()
        await server.stop()
    except (runtime.ListenError, runtime.SchemaError) as error:
        _fail(str(error))
    finally:
        dataplane.close()


def _open_dataplane(
    build: Path,
    ports: dict[int, str],
    own_ports: tuple[int, int],
    sizes: dict[str, int],
    mode: Mode,
) -> Dataplane:
    from p4xdp.xdp.dataplane import XdpDataplane  # noqa: PLC0415

    cpu_port, host_port = own_ports
    dataplane: Dataplane = XdpDataplane.open(
        build, ports=ports, cpu_port=cpu_port, host_port=host_port, sizes=sizes, mode=mode.value
    )
    return dataplane


def _load(source: Path, defines: list[str] | None, includes: list[Path] | None) -> ir.Program:
    from p4xdp import frontend  # noqa: PLC0415

    macros = {}
    for define in defines or []:
        name, _, value = define.partition("=")
        macros[name] = value or "1"
    try:
        return frontend.load(source, defines=macros, include_dirs=tuple(includes or ()))
    except frontend.SourceError as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"cannot read {error.filename or source}: {error.strerror}")


def _pair(text: str, option: str, example: str) -> tuple[int, str]:
    number, equals, value = text.partition("=")
    if not equals or not number.isdecimal() or not value:
        _fail(f"{option} {text}: not of the form {example}")
    return int(number), value


def _is_port(number: int, cpu_port: int, host_port: int) -> bool:
    if number > 511 or number in (cpu_port, host_port):
        _fail(f"--port {number}: ports are 0..511 but {cpu_port} (CPU) and {host_port} (host)")
    return True


def _log_to_stderr(level: str) -> None:
    numeric: Any = logging.getLevelName(level.upper())
    if not isinstance(numeric, int):
        _fail(f"--log-level {level}: give debug, info, warning or error")
    logging.basicConfig(
        stream=sys.stderr, level=numeric, format="%(levelname)s %(message)s", force=True
    )


def _fail(message: str) -> NoReturn:
    """End with one line that says what is wrong."""
    print(f"p4xdp: {message}", file=sys.stderr, flush=True)  # noqa: T201
    raise SystemExit(1)
