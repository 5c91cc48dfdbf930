"""Interfaces as ports: attaching the program, and what has to be so around it.

The program is held by links whose file descriptors we hold: when the process ends, however it ends,
nothing is left on the interfaces. What is switched on the far ends of veths is switched back.
"""

from __future__ import annotations

import errno
import logging
import os
from typing import TYPE_CHECKING, Literal, TypeAlias

from p4xdp.xdp.errors import PortError
from p4xdp.xdp.libbpf import library
from p4xdp.xdp.links import link_xdp
from p4xdp.xdp.namespaces import Interface, interface, peer_of
from p4xdp.xdp.offloads import Offload, is_on, switch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from p4xdp.xdp.namespaces import Peer

Mode: TypeAlias = Literal["auto", "native", "generic"]

_logger = logging.getLogger(__name__)

_GENERIC = 1 << 1  # XDP_FLAGS_SKB_MODE
_NATIVE = 1 << 2  # XDP_FLAGS_DRV_MODE

# The far end of a veth: it takes redirected frames only with GRO on, and it would leave checksums
# and segments for hardware to finish that is not there.
_PEER_NEEDS = ((Offload.GRO, True), (Offload.TX_CHECKSUM, False))
# Our own end. Tags must be in the frame, and frames must be as they were on the wire.
_NATIVE_NEEDS = ((Offload.RX_VLAN, False), (Offload.LRO, False))
_GENERIC_NEEDS = (*_NATIVE_NEEDS, (Offload.GRO, False))


def interface_index(name: str) -> int:
    """Return the index of the interface; PortError if it does not exist or is down."""
    found = interface(name)
    if not found.is_up:
        raise PortError(f"interface {name} is down: ip link set {name} up")
    return found.ifindex


class Ports:
    """The interfaces a program is attached to."""

    def __init__(self) -> None:
        self._links: list[int] = []
        self._peers: list[Peer] = []
        self._restore: list[Callable[[], None]] = []

    def attach(self, names: Iterable[str], program_fd: int, mode: Mode) -> None:
        """Attach `program_fd` to all interfaces or none. PortError says what is in the way.

        "auto" is native if every interface can, else generic: much slower, and said in the log.
        """
        interfaces = [interface(name) for name in names]
        for found in interfaces:
            if found.program_id is not None:
                raise PortError(
                    f"interface {found.name} already has an XDP program (id {found.program_id}): "
                    f"stop what put it there, or `ip link set dev {found.name} xdp off`"
                )
        try:
            if mode == "generic" or not self._attach_natively(interfaces, program_fd, mode):
                self._attach_generically(interfaces, program_fd)
        except BaseException:
            self.detach()
            raise

    def detach(self) -> None:
        """Take the program off, and switch back what was switched."""
        for link in self._links:
            os.close(link)
        self._links.clear()
        for restore in reversed(self._restore):
            restore()
        self._restore.clear()
        for peer in self._peers:
            peer.close()
        self._peers.clear()

    def _attach_natively(self, interfaces: list[Interface], program_fd: int, mode: Mode) -> bool:
        """Return False, with nothing attached, if that cannot be (and need not)."""
        for found in interfaces:
            obstacle = self._prepare_peer(found) if found.kind == "veth" else None
            if obstacle is None:
                obstacle = self._link(found, program_fd, _NATIVE)
            if obstacle is not None:
                if mode == "native":
                    raise PortError(obstacle)
                _logger.warning("%s; all ports use slow generic XDP instead", obstacle)
                self.detach()
                return False
        for found in interfaces:
            self._switch_own(found, _NATIVE_NEEDS)
        return True

    def _attach_generically(self, interfaces: list[Interface], program_fd: int) -> None:
        for found in interfaces:
            if found.kind == "veth":
                obstacle = self._prepare_peer(found)
                if obstacle is not None:
                    _logger.warning("%s, or TCP and UDP through it will fail", obstacle)
            refusal = self._link(found, program_fd, _GENERIC)
            if refusal is not None:
                raise PortError(refusal)
            self._switch_own(found, _GENERIC_NEEDS)

    def _link(self, found: Interface, program_fd: int, flags: int) -> str | None:
        """Attach; return why the interface cannot in this mode, or None. PortError if never."""
        kind = "native" if flags == _NATIVE else "generic"
        library().log.clear()
        try:
            self._links.append(link_xdp(program_fd, found.ifindex, flags))
        except OSError as error:
            if error.errno in (errno.EPERM, errno.EACCES):
                raise PortError(
                    f"attaching to {found.name}: not permitted; run as root or with CAP_BPF and "
                    "CAP_NET_ADMIN"
                ) from error
            if error.errno in (errno.EBUSY, errno.EEXIST):
                raise PortError(f"interface {found.name} already has an XDP program") from error
            return f"interface {found.name} does not take {kind} XDP ({error.strerror})"
        _logger.info("port on %s: %s XDP", found.name, kind)
        return None

    def _prepare_peer(self, veth: Interface) -> str | None:
        """Switch what the far end of `veth` needs; return what a person must do if we cannot."""
        peer = peer_of(veth)
        commands = " ".join(f"{o.word} {'on' if on else 'off'}" for o, on in _PEER_NEEDS)
        if peer is None:
            return (
                f"the far end of veth {veth.name} is in a namespace out of reach: "
                f"there, `ethtool -K <interface> {commands}` is needed"
            )
        self._peers.append(peer)
        try:
            for offload, on in _PEER_NEEDS:
                self._switch_peer(peer, offload, on=on)
        except OSError as error:
            return (
                f"cannot switch {peer.name} in {peer.namespace}, the far end of {veth.name} "
                f"({error.strerror or error}): there, `ethtool -K {peer.name} {commands}` is needed"
            )
        return None

    def _switch_peer(self, peer: Peer, offload: Offload, *, on: bool) -> None:
        if peer.run(lambda: is_on(peer.name, offload)) == on:
            return
        peer.run(lambda: switch(peer.name, offload, on=on))
        word = "on" if on else "off"
        _logger.info("%s in %s: %s switched %s", peer.name, peer.namespace, offload.word, word)

        def restore() -> None:
            try:
                peer.run(lambda: switch(peer.name, offload, on=not on))
            except OSError as error:
                # It may be gone with its namespace, which is as well.
                _logger.debug("%s in %s: %s", peer.name, peer.namespace, error)

        self._restore.append(restore)

    def _switch_own(self, found: Interface, needs: tuple[tuple[Offload, bool], ...]) -> None:
        for offload, on in needs:
            try:
                if is_on(found.name, offload) == on:
                    continue
                switch(found.name, offload, on=on)
            except OSError as error:
                _logger.warning("%s: cannot switch %s (%s)", found.name, offload.word, error)
                continue
            word = "on" if on else "off"
            _logger.info("%s: %s switched %s", found.name, offload.word, word)
            self._restore.append(_restoring(found.name, offload, on=not on))


def _restoring(name: str, offload: Offload, *, on: bool) -> Callable[[], None]:
    def restore() -> None:
        try:
            switch(name, offload, on=on)
        except OSError as error:
            _logger.debug("%s: %s", name, error)

    return restore
