"""`p4xdp switch`: be the switch that runs a compiled program."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from p4xdp.cli import ending
from p4xdp.cli.common import fail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from p4xdp.xdp.dataplane import XdpDataplane
    from p4xdp.xdp.home import Home


class Mode(StrEnum):
    """How programs attach to interfaces."""

    auto = "auto"
    native = "native"
    generic = "generic"


@dataclass(frozen=True, slots=True)
class Settings:
    """The ports of a switch: interfaces by number, and what other ports are for."""

    ports: dict[int, str]
    cpu_port: int
    host_port: int
    recirculation_ports: tuple[int, ...]
    mode: Mode


@dataclass(frozen=True, slots=True)
class Lifetime:
    """What outlives the process, where, and under which name."""

    name: str
    is_pinned: bool
    run_directory: Path


@dataclass(frozen=True, slots=True)
class Service:
    """How P4Runtime is served."""

    listen: str
    device_id: int
    tls_files: tuple[Path, Path, Path | None] | None


def switch(  # noqa: PLR0913 - the command's options
    build: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="What `p4xdp compile` wrote.")
    ] = None,
    *,
    port: Annotated[
        list[str] | None,
        typer.Option(metavar="NUMBER=IFACE", help="A port of the switch; repeat it."),
    ] = None,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="Which switch of this host it is.")
    ] = "switch",
    unpinned: Annotated[
        bool, typer.Option("--unpinned", help="Leave nothing behind, and nothing to take over.")
    ] = False,
    stop: Annotated[
        bool, typer.Option("--stop", help="End the process of the switch; its ports forward on.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="End the switch, and free its ports.")
    ] = False,
    run_dir: Annotated[
        Path, typer.Option(metavar="DIR", help="Where switches keep what outlives a process.")
    ] = Path("/run/p4xdp"),
    listen: Annotated[
        str, typer.Option(metavar="ADDRESS", help="unix:PATH or HOST:PORT for P4Runtime.")
    ] = "127.0.0.1:9559",
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Our certificate (PEM): serve TLS.")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The key of our certificate (PEM).")
    ] = None,
    tls_client_ca: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Let in only clients with a certificate of this CA."),
    ] = None,
    device_id: Annotated[int, typer.Option(min=1, help="P4Runtime's device id.")] = 1,
    cpu_port: Annotated[
        int, typer.Option(min=0, max=511, help="Behind it are P4Runtime's packet-in and -out.")
    ] = 192,
    host_port: Annotated[
        int, typer.Option(min=0, max=511, help="Behind it is this host's own network stack.")
    ] = 193,
    recirculation_port: Annotated[
        list[int] | None,
        typer.Option(
            min=0,
            max=511,
            metavar="NUMBER",
            help="What is sent there is processed once more; repeat it.",
        ),
    ] = None,
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

    Prints READY and the address on stdout once it serves. However it ends, the program goes on
    forwarding, and the next start takes it over with entries, meters and counters; --detach frees
    the interfaces. Needs root (CAP_NET_ADMIN and CAP_BPF) and clang.
    """
    if stop or detach:
        (ending.detach if detach else ending.stop)(name, run_dir)
        return
    if build is None or not port:
        fail("say what to run and where: p4xdp switch DIR --port 1=eth0")
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
        fail("--port: every number and every interface may be given once")
    settings = Settings(ports, cpu_port, host_port, tuple(recirculation_port or ()), mode)
    lifetime = Lifetime(name, not unpinned, run_dir)
    service = Service(listen, device_id, _tls_files(tls_cert, tls_key, tls_client_ca))
    asyncio.run(_switch(build, settings, lifetime, service, size or []))


async def _switch(
    build: Path,
    settings: Settings,
    lifetime: Lifetime,
    service: Service,
    size_options: list[str],
) -> None:
    from p4xdp import runtime  # noqa: PLC0415
    from p4xdp.dataplane import DataplaneError  # noqa: PLC0415
    from p4xdp.runtime import artifacts, process  # noqa: PLC0415

    stop = process.stop_signals()
    home = None
    try:
        pipeline = artifacts.load(build)
        sizes = artifacts.sizes(pipeline.p4info, size_options)
        home = _home(lifetime)  # waits for a process that is about to end
        runtime.check_listen(service.listen)  # before any interface is touched
        dataplane = _open_dataplane(build, settings, sizes, home)
    except (artifacts.ArtifactError, runtime.ListenError, DataplaneError) as error:
        if home is not None:
            home.leave()
        fail(str(error))
    try:
        server = await runtime.serve(
            dataplane,
            pipeline.p4info,
            listen=service.listen,
            device_id=service.device_id,
            tls=None if service.tls_files is None else runtime.TLS(*service.tls_files),
            device_config=pipeline.device_config,
            sizes=sizes,
            kept=home.kept,
            find_compiled=lambda: artifacts.load(build),
        )
        async with _at_work(dataplane, home, server.address):
            print(f"READY {server.address}", flush=True)  # noqa: T201
            await stop.wait()
        await server.stop()
    except (runtime.ListenError, runtime.SchemaError) as error:
        fail(str(error))
    finally:
        dataplane.close()


@contextlib.asynccontextmanager
async def _at_work(dataplane: XdpDataplane, home: Home, address: str) -> AsyncIterator[None]:
    """Follow the interfaces and listen to the operator while the switch serves."""
    from p4xdp.control import Control  # noqa: PLC0415

    watch = dataplane.follow_links(asyncio.get_running_loop())
    control = None
    if home.directory is not None:
        control = await Control.open(home.directory, dataplane, address)
    try:
        yield
    finally:
        watch.close()
        if control is not None:
            await control.close()


def _home(lifetime: Lifetime) -> Home:
    from p4xdp.xdp.home import Home  # noqa: PLC0415

    if not lifetime.is_pinned:
        return Home.nowhere()
    return Home.enter(lifetime.name, lifetime.run_directory)


def _open_dataplane(
    build: Path, settings: Settings, sizes: dict[str, int], home: Home
) -> XdpDataplane:
    from p4xdp.xdp.dataplane import XdpDataplane  # noqa: PLC0415

    return XdpDataplane.open(
        build,
        ports=settings.ports,
        cpu_port=settings.cpu_port,
        host_port=settings.host_port,
        recirculation_ports=settings.recirculation_ports,
        sizes=sizes,
        mode=settings.mode.value,
        home=home,
    )


def _tls_files(
    certificate: Path | None, key: Path | None, client_ca: Path | None
) -> tuple[Path, Path, Path | None] | None:
    if certificate is None and key is None and client_ca is None:
        return None
    if certificate is None or key is None:
        fail("TLS needs both --tls-cert and --tls-key")
    return certificate, key, client_ca


def _pair(text: str, option: str, example: str) -> tuple[int, str]:
    number, equals, value = text.partition("=")
    if not equals or not number.isdecimal() or not value:
        fail(f"{option} {text}: not of the form {example}")
    return int(number), value


def _is_port(number: int, cpu_port: int, host_port: int) -> bool:
    if number > 511 or number in (cpu_port, host_port):
        fail(f"--port {number}: ports are 0..511 but {cpu_port} (CPU) and {host_port} (host)")
    return True


def _log_to_stderr(level: str) -> None:
    numeric: Any = logging.getLevelName(level.upper())
    if not isinstance(numeric, int):
        fail(f"--log-level {level}: give debug, info, warning or error")
    logging.basicConfig(
        stream=sys.stderr, level=numeric, format="%(levelname)s %(message)s", force=True
    )
