"""`p4xdp switch --stop` and `--detach`: the end of a switch that another process serves."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

from p4xdp.cli.common import fail

if TYPE_CHECKING:
    from pathlib import Path

_STOP_TIMEOUT_S = 15.0
_POLL_S = 0.05


def stop(name: str, run_directory: Path) -> None:
    """End the process that serves a switch; its program goes on forwarding."""
    from p4xdp.dataplane import DataplaneError  # noqa: PLC0415
    from p4xdp.xdp import home  # noqa: PLC0415

    try:
        directory = home.directory_of(name, run_directory)
        process = home.process_of(directory)
        if process is None:
            fail(f"no process serves a switch called {name}")
        _end(process, directory)
    except DataplaneError as error:
        fail(str(error))
    except PermissionError:
        fail(f"the switch {name} is not ours to stop: run as root")


def detach(name: str, run_directory: Path) -> None:
    """End the process that serves a switch, if one does, and take its program off all ports."""
    from p4xdp.dataplane import DataplaneError  # noqa: PLC0415
    from p4xdp.xdp import home, port  # noqa: PLC0415

    try:
        directory = home.directory_of(name, run_directory)
        if not directory.is_dir():
            fail(f"there is no switch called {name}")
        process = home.process_of(directory)
        if process is not None:
            _end(process, directory)
        port.remove(home.Home.enter(name, run_directory))
    except DataplaneError as error:
        fail(str(error))
    except PermissionError:
        fail(f"the switch {name} is not ours to detach: run as root")


def _end(process: int, directory: Path) -> None:
    from p4xdp.xdp import home  # noqa: PLC0415

    os.kill(process, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_TIMEOUT_S
    while home.process_of(directory) == process:
        if time.monotonic() > deadline:
            fail(f"process {process} does not end: kill -9 {process}, its ports go on forwarding")
        time.sleep(_POLL_S)
