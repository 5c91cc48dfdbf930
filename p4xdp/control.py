"""The door for the operator of a running switch: one JSON object a line, on a Unix socket that only
root may open. Ports are not P4Runtime's; this is about them, and says where P4Runtime is served.

    {"do": "ports"} | {"do": "attach", "port": 3, "interface": "eth2"} | {"do": "detach", "port": 3}

The answer is {"ok": ...} or {"error": "one line"}.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import socket
from typing import TYPE_CHECKING, Any, Self

from p4xdp.dataplane import DataplaneError

if TYPE_CHECKING:
    from pathlib import Path

    from p4xdp.xdp.dataplane import XdpDataplane

SOCKET_NAME = "control.sock"
_TIMEOUT_S = 10.0
_LONGEST_LINE = 1 << 16


class ControlError(Exception):
    """The switch does not answer, or refuses. One line."""


class Control:
    """The switch's end. Made by `open`."""

    def __init__(self, dataplane: XdpDataplane, address: str) -> None:
        self._dataplane = dataplane
        self._address = address
        self._server: asyncio.Server | None = None

    @classmethod
    async def open(cls, directory: Path, dataplane: XdpDataplane, address: str) -> Self:
        """Listen in the directory of a switch; `address` is that of its P4Runtime service."""
        control = cls(dataplane, address)
        path = directory / SOCKET_NAME
        path.unlink(missing_ok=True)
        control._server = await asyncio.start_unix_server(control._serve, path, limit=_LONGEST_LINE)
        path.chmod(0o600)
        return control

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer: dict[str, Any] = {"ok": self._answer(json.loads(await reader.readline()))}
        except (DataplaneError, ControlError) as error:
            answer = {"error": str(error)}
        except (ValueError, KeyError, TypeError) as error:
            answer = {"error": f"not understood: {error}"}
        writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    def _answer(self, request: dict[str, Any]) -> Any:
        match request["do"]:
            case "ports":
                return self._ports()
            case "attach":
                self._dataplane.attach_port(int(request["port"]), str(request["interface"]))
                return self._ports()
            case "detach":
                self._dataplane.detach_port(int(request["port"]))
                return self._ports()
            case other:
                raise ControlError(f"there is no '{other}'")

    def _ports(self) -> dict[str, Any]:
        ports = [dataclasses.asdict(port) for port in self._dataplane.ports()]
        for port in ports:
            del port["link"]
        drops = {reason: n for reason, n in self._dataplane.switch_drops().items() if n}
        return {"p4runtime": self._address, "ports": ports, "drops": drops}


def ask(directory: Path, request: dict[str, Any]) -> Any:
    """Ask the process that serves the switch in `directory`; ControlError."""
    path = directory / SOCKET_NAME
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_TIMEOUT_S)
            connection.connect(str(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile() as answers:
                answer = json.loads(answers.readline() or "{}")
    except FileNotFoundError:
        raise ControlError(f"no switch called {directory.name} has run here") from None
    except ConnectionRefusedError:
        raise ControlError(f"no process serves the switch {directory.name}") from None
    except PermissionError:
        raise ControlError(f"the switch {directory.name} is not ours: run as root") from None
    except (OSError, ValueError) as error:
        raise ControlError(f"the switch {directory.name} does not answer: {error}") from None
    if "ok" not in answer:
        raise ControlError(answer.get("error", f"the switch {directory.name} does not answer"))
    return answer["ok"]
