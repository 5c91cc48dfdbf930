"""Where a server listens: addresses checked before anything is touched, TLS, and a warning when
anybody could reach it.
"""

from __future__ import annotations

import logging
import os
import socket
import stat
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import grpc

_LOG = logging.getLogger(__name__)


class ListenError(Exception):
    """The address cannot be listened on. One line, saying what to do."""


@dataclass(frozen=True, slots=True)
class TLS:
    """Files in PEM. `client_ca`: only clients with a certificate of that authority are let in."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def credentials(self) -> Any:
        """Return what gRPC wants; ListenError if a file cannot be read."""
        try:
            pair = (self.key.read_bytes(), self.certificate.read_bytes())
            authority = None if self.client_ca is None else self.client_ca.read_bytes()
        except OSError as error:
            raise ListenError(f"cannot read {error.filename}: {error.strerror}") from None
        return grpc.ssl_server_credentials(
            [pair], root_certificates=authority, require_client_auth=authority is not None
        )


def bind(server: Any, listen: str, tls: TLS | None) -> str:
    """Have a gRPC server listen; return the address, with the port really taken. ListenError."""
    check_listen(listen)
    try:
        if tls is None:
            port = server.add_insecure_port(listen)
        else:
            port = server.add_secure_port(listen, tls.credentials())
    except RuntimeError:
        port = 0
    if not port:
        why = "" if tls is None else "; are certificate and key in PEM, and of each other?"
        raise ListenError(f"cannot listen on {listen}{why}")
    if listen.startswith("unix:"):
        Path(listen.removeprefix("unix:")).chmod(0o600)
        return listen
    _warn_if_reachable(listen, tls)
    return f"{listen.rpartition(':')[0]}:{port}"


def remove_socket(address: str) -> None:
    """Remove the socket of a server that has ended."""
    if address.startswith("unix:"):
        Path(address.removeprefix("unix:")).unlink(missing_ok=True)


def check_listen(listen: str) -> None:
    """Refuse with ListenError an address that is malformed, not ours or in use."""
    if listen.startswith("unix:"):
        _check_socket(Path(listen.removeprefix("unix:")))
    else:
        _check_host(listen)


def _check_socket(path: Path) -> None:
    """Refuse a socket somebody listens on, and any file that is not a socket."""
    if len(os.fsencode(path)) > 107:
        raise ListenError(f"cannot listen on unix:{path}: the path is longer than 107 octets")
    if not path.parent.is_dir():
        raise ListenError(f"cannot listen on unix:{path}: make the directory {path.parent} first")
    if not path.exists():
        return
    mode = path.stat().st_mode
    if not stat.S_ISSOCK(mode):
        raise ListenError(f"cannot listen on unix:{path}: it is a file; remove or rename it")
    with socket.socket(socket.AF_UNIX) as probe:
        if probe.connect_ex(str(path)) == 0:
            raise ListenError(f"cannot listen on unix:{path}: another server is listening there")


def _check_host(listen: str) -> None:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 0xFFFF:
        raise ListenError(f"'{listen}' is no address: give unix:PATH or HOST:PORT")
    bare = host.removeprefix("[").removesuffix("]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bare, int(port)))
        except OSError as error:
            text = f"cannot listen on {listen}: {error.strerror}; choose another address or port"
            raise ListenError(text) from None


def _warn_if_reachable(listen: str, tls: TLS | None) -> None:
    host = listen.rpartition(":")[0].removeprefix("[").removesuffix("]")
    try:
        is_loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if is_loopback or (tls is not None and tls.client_ca is not None):
        return
    without = "encryption or authentication" if tls is None else "asking clients who they are"
    _LOG.warning(
        "listening on %s without %s: whoever reaches it controls the switch; give --tls-cert, "
        "--tls-key and --tls-client-ca, or prefer unix:PATH or 127.0.0.1",
        listen,
        without,
    )
