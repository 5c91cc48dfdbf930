"""The door for the operator of a running switch: one JSON object a line, on a Unix socket that only
root may open. Ports are not P4Runtime's; this is about them, and says where P4Runtime is served.

    {"do": "ports"} | {"do": "attach", "port": 3, "interface": "eth2"} | {"do": "detach", "port": 3}
    {"do": "watch", "port": 3, "patterns": ["0a2d0002"]}

The answer is {"ok": ...} or {"error": "one line"}. After that of "watch" come the frames that the
port receives and that hold all patterns (hex), {"octets": hex, "length": n} each, and now and then
{"seen": n, "missed": n}, until the client hangs up.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import socket
import time
from typing import TYPE_CHECKING, Any, Self

from p4xdp.dataplane import DataplaneError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from p4xdp.xdp.dataplane import XdpDataplane
    from p4xdp.xdp.tap import Tap

SOCKET_NAME = "control.sock"
_TIMEOUT_S = 10.0
_LONGEST_LINE = 1 << 16
MOST_PATTERNS, LONGEST_PATTERN = 4, 8  # as in p4xdp.xdp.tap, which loads libbpf
_LOOK_S = 0.05  # between two looks at what a tap shows
_MOST_WAITING = 1 << 20  # octets for a client that reads slowly


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
        tap: Tap | None = None
        try:
            request = json.loads(await reader.readline())
            if request["do"] == "watch":
                tap = self._tap(request)
            answer: dict[str, Any] = {"ok": None if tap is not None else self._answer(request)}
        except (DataplaneError, ControlError) as error:
            answer = {"error": str(error)}
        except (ValueError, KeyError, TypeError) as error:
            answer = {"error": f"not understood: {error}"}
        writer.write(_line(answer))
        if tap is not None:
            await _show(tap, reader, writer)
        writer.close()

    def _tap(self, request: dict[str, Any]) -> Tap:
        patterns = [bytes.fromhex(each) for each in request["patterns"]]
        are_short = all(0 < len(each) <= LONGEST_PATTERN for each in patterns)
        if len(patterns) > MOST_PATTERNS or not are_short:
            raise ControlError(f"at most {MOST_PATTERNS} patterns of 1 to {LONGEST_PATTERN} octets")
        return self._dataplane.tap(int(request["port"]), patterns)

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


async def _show(tap: Tap, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Tell what a tap shows until the client is gone."""
    hung_up = asyncio.ensure_future(reader.read())
    told, skipped = (0, 0), 0
    try:
        while not (await asyncio.wait([hung_up], timeout=_LOOK_S))[0]:
            for shown in tap.take():
                if writer.transport.get_write_buffer_size() > _MOST_WAITING:
                    skipped += 1
                    continue
                writer.write(_line({"octets": shown.octets.hex(), "length": shown.length}))
            counts = tap.seen, tap.missed + skipped
            if counts != told:
                told = counts
                writer.write(_line({"seen": counts[0], "missed": counts[1]}))
    finally:
        hung_up.cancel()
        tap.close()


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def watch(
    directory: Path, port: int, patterns: Sequence[bytes], within_s: float
) -> Generator[dict[str, Any], None, None]:
    """Yield what the switch in `directory` says of frames that a port receives; ControlError."""
    request = {"do": "watch", "port": port, "patterns": [each.hex() for each in patterns]}
    end = time.monotonic() + within_s
    with _conversation(directory) as connection:
        connection.sendall(_line(request))
        with connection.makefile() as answers:
            _ok(directory, answers.readline())
            while (left_s := end - time.monotonic()) > 0:
                connection.settimeout(left_s)
                try:
                    line = answers.readline()
                except TimeoutError:
                    return
                if not line:
                    raise ControlError(f"the switch {directory.name} has ended")
                yield json.loads(line)


@contextlib.contextmanager
def _conversation(directory: Path) -> Iterator[socket.socket]:
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_TIMEOUT_S)
            connection.connect(str(directory / SOCKET_NAME))
            yield connection
    except FileNotFoundError:
        raise ControlError(f"no switch called {directory.name} has run here") from None
    except ConnectionRefusedError:
        raise ControlError(f"no process serves the switch {directory.name}") from None
    except PermissionError:
        raise ControlError(f"the switch {directory.name} is not ours: run as root") from None
    except (OSError, ValueError) as error:
        raise ControlError(f"the switch {directory.name} does not answer: {error}") from None


def _ok(directory: Path, line: str) -> Any:
    answer = json.loads(line or "{}")
    if "ok" not in answer:
        raise ControlError(answer.get("error", f"the switch {directory.name} does not answer"))
    return answer["ok"]


def ask(directory: Path, request: dict[str, Any]) -> Any:
    """Ask the process that serves the switch in `directory`; ControlError."""
    with _conversation(directory) as connection:
        connection.sendall(_line(request))
        with connection.makefile() as answers:
            return _ok(directory, answers.readline())
