"""Interfaces as ports: the links that tie the program to them, in the process or pinned.

A pinned link goes on when the process ends, and the next one takes it over. Else the kernel takes
the program off the interfaces, however the process ends.
"""

from __future__ import annotations

import errno
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeAlias

from p4xdp.xdp import bpffs
from p4xdp.xdp.errors import LoadError, PortError
from p4xdp.xdp.libbpf import library
from p4xdp.xdp.links import link_xdp, replace_program, runs
from p4xdp.xdp.namespaces import Interface, interface
from p4xdp.xdp.port import Port, forget, keep, kept_ports, pin_of, state_of
from p4xdp.xdp.preparing import Preparations
from p4xdp.xdp.tap import Tap

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from p4xdp.xdp.home import Home
    from p4xdp.xdp.maps import Map

Mode: TypeAlias = Literal["auto", "native", "generic"]

_logger = logging.getLogger(__name__)

_TAP = "tap_"  # before a port's number: where what follows a tap is pinned
_FLAGS = {"generic": 1 << 1, "native": 1 << 2}  # XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE


class Ports:
    """The ports of a switch. `links` leads from number to interface index, `numbers` from there
    to the number + 1; it has `num_interfaces` cells.
    """

    def __init__(self, home: Home, links: Map, numbers: Map, num_interfaces: int) -> None:
        self._kept = home.kept
        self._pins = home.pins
        self._links = links
        self._numbers = numbers
        self._num_interfaces = num_interfaces
        self._preparations = Preparations(home.kept)
        self._ports: dict[int, Port] = {}
        self._program_fd = -1
        if self._pins is not None:
            (self._pins / "links").mkdir(exist_ok=True)
            self._take_over(self._pins)

    def names(self) -> dict[int, str]:
        """Return the interfaces by port number."""
        return {number: port.interface for number, port in sorted(self._ports.items())}

    def all(self) -> list[Port]:
        """Return the ports, by number."""
        return [port for _, port in sorted(self._ports.items())]

    def use(self, program_fd: int) -> None:
        """Have all ports run this program from their next packet on."""
        self._program_fd = program_fd
        for port in self._ports.values():
            if port.link is not None and not runs(port.link, program_fd):
                replace_program(port.link, program_fd)
        if self._pins is not None:
            for left in (self._pins / "links").glob(f"{_TAP}*"):
                left.unlink()

    def tap(self, number: int, patterns: Sequence[bytes]) -> Tap:
        """Show what a port receives (`p4xdp.xdp.tap`); PortError if that cannot be."""
        port = self._ports.get(number)
        if port is None or port.link is None:
            raise PortError(f"there is no port {number}, or its interface is gone")
        if not runs(port.link, self._program_fd):
            raise PortError(f"somebody watches port {number} already")
        pin = None if self._pins is None else self._pins / "links" / f"{_TAP}{number}"
        return Tap(port.link, self._program_fd, patterns, pin)

    def open(self, wanted: Mapping[int, str], mode: Mode) -> None:
        """Have exactly the ports `wanted` beside the extra ones: all of them, or PortError and the
        new ones not.

        "auto" is native if every interface can, else generic: much slower, and said in the log.
        """
        names = set(wanted.values())
        for port in self.all():
            is_wanted = wanted.get(port.number) == port.interface or (
                port.is_extra and port.number not in wanted and port.interface not in names
            )
            if not is_wanted or mode not in ("auto", port.mode):
                self.detach(port.number)
        new = {number: name for number, name in wanted.items() if number not in self._ports}
        self._add({number: interface(name) for number, name in new.items()}, mode)
        self.refresh()

    def attach(self, number: int, name: str) -> None:
        """Have one port more; PortError says what is in the way."""
        taken = [p for p in self.all() if number == p.number or name == p.interface]
        if taken:
            raise PortError(f"port {taken[0].number} is {taken[0].interface} already")
        self._add({number: interface(name)}, "auto")
        port = self._ports[number]
        port.is_extra = True
        keep(self._kept, port)

    def _add(self, found: Mapping[int, Interface], mode: Mode) -> None:
        for each in found.values():
            self._require_usable(each)
        program_fd = self._program_fd
        try:
            if self._modes() == {"generic"} or not self._open_natively(found, program_fd, mode):
                for number, each in found.items():
                    self._attach_generically(number, each, program_fd)
        except BaseException:
            self._give_up(found)
            raise

    def refresh(self) -> None:
        """See what became of the interfaces; attach again what went away and is back."""
        for port in self.all():
            try:
                found = interface(port.interface)
            except PortError:
                self._note_gone(port)
                continue
            if port.link is None or found.ifindex != port.ifindex:
                self._note_gone(port)
                self._return(port, found)
            elif port.state != state_of(found):
                port.state = state_of(found)
                _logger.warning("port %d (%s) is %s", port.number, port.interface, port.state)

    def _note_gone(self, port: Port) -> None:
        if port.state == "gone":
            return
        _logger.error("port %d: interface %s is gone", port.number, port.interface)
        port.state = "gone"
        if self._pins is not None:
            pin_of(self._pins, port.number).unlink(missing_ok=True)
        self._lose_link(port)

    def _return(self, port: Port, found: Interface) -> None:
        if not found.is_up:
            return  # not yet
        is_extra = port.is_extra
        try:
            del self._ports[port.number]
            if port.mode == "native":
                self._open_natively({port.number: found}, self._program_fd, "native")
            else:
                self._attach_generically(port.number, found, self._program_fd)
        except PortError as error:
            _logger.error("port %d cannot come back: %s", port.number, error)
            self._ports[port.number] = port
            return
        self._ports[port.number].is_extra = is_extra
        keep(self._kept, self._ports[port.number])

    def detach(self, number: int) -> None:
        """Take a port away, if there is such a port, and switch back what was switched for it."""
        port = self._ports.pop(number, None)
        if port is None:
            return
        if self._pins is not None:
            pin_of(self._pins, number).unlink(missing_ok=True)
        self._lose_link(port)
        forget(self._kept, number)
        self._preparations.undo(port.interface)

    def detach_all(self) -> None:
        """Take all ports away."""
        for number in list(self._ports):
            self.detach(number)

    def close(self) -> None:
        """Let go: of pinned ports, so that they go on, and of others for good."""
        if self._pins is None:
            self.detach_all()
            return
        for port in self._ports.values():
            if port.link is not None:
                os.close(port.link)
        self._ports.clear()

    # --- what is there already ------------------------------------------------------------------

    def _take_over(self, pins: Path) -> None:
        for port in kept_ports(self._kept):
            pin = pin_of(pins, port.number)
            if pin.exists():
                port.link = bpffs.opened(pin)
            self._ports[port.number] = port
            if port.link is not None and port.is_where_it_was(port.link):
                self._lead_to(port)
            else:
                self._note_gone(port)

    def _modes(self) -> set[str]:
        return {port.mode for port in self._ports.values()}

    # --- attaching ------------------------------------------------------------------------------

    def _require_usable(self, found: Interface) -> None:
        if not found.is_up:
            raise PortError(f"interface {found.name} is down: ip link set {found.name} up")
        if found.ifindex >= self._num_interfaces:
            raise PortError(
                f"interface {found.name} has index {found.ifindex}; the running program knows "
                f"those below {self._num_interfaces}: restart the switch with this port"
            )
        if found.program_id is not None:
            raise PortError(
                f"interface {found.name} already has an XDP program (id {found.program_id}): "
                f"stop what put it there, or `ip link set dev {found.name} xdp off`"
            )

    def _open_natively(self, found: Mapping[int, Interface], program_fd: int, mode: Mode) -> bool:
        """Return False, with nothing attached, if that cannot be (and need not)."""
        if mode == "generic":
            return False
        others = self._modes()
        for number, each in found.items():
            obstacle = self._preparations.prepare_peer(each) if each.kind == "veth" else None
            if obstacle is None:
                obstacle = self._link(number, each, program_fd, "native")
            if obstacle is not None:
                if others:
                    obstacle += "; the other ports use native XDP: say --mode generic for all"
                if others or mode == "native":
                    raise PortError(obstacle)
                _logger.warning("%s; all ports use slow generic XDP instead", obstacle)
                self._give_up(found)
                return False
        for each in found.values():
            self._preparations.prepare_own(each, is_native=True)
        return True

    def _give_up(self, found: Mapping[int, Interface]) -> None:
        for number, each in found.items():
            self.detach(number)
            self._preparations.undo(each.name)  # also of one that did not become a port

    def _attach_generically(self, number: int, found: Interface, program_fd: int) -> None:
        if found.kind == "veth":
            obstacle = self._preparations.prepare_peer(found)
            if obstacle is not None:
                _logger.warning("%s, or TCP and UDP through it will fail", obstacle)
        refusal = self._link(number, found, program_fd, "generic")
        if refusal is not None:
            raise PortError(refusal)
        self._preparations.prepare_own(found, is_native=False)

    def _link(self, number: int, found: Interface, program_fd: int, mode: str) -> str | None:
        """Attach; return why the interface cannot in this mode, or None. PortError if never."""
        library().log.clear()
        port = Port(number, found.name, found.ifindex, mode)
        self._ports[number] = port
        self._lead_to(port)
        try:
            port.link = link_xdp(program_fd, found.ifindex, _FLAGS[mode])
        except OSError as error:
            if error.errno in (errno.EPERM, errno.EACCES):
                raise PortError(
                    f"attaching to {found.name}: not permitted; run as root or with CAP_BPF and "
                    "CAP_NET_ADMIN"
                ) from error
            if error.errno in (errno.EBUSY, errno.EEXIST):
                raise PortError(f"interface {found.name} already has an XDP program") from error
            return f"interface {found.name} does not take {mode} XDP ({error.strerror})"
        keep(self._kept, port)
        if self._pins is not None:
            bpffs.pin(port.link, pin_of(self._pins, number))
        _logger.info("port %d on %s: %s XDP", number, found.name, mode)
        return None

    def _lead_to(self, port: Port) -> None:
        number, ifindex = port.number.to_bytes(4, "little"), port.ifindex.to_bytes(4, "little")
        self._links.put(number, ifindex)
        self._numbers.put(ifindex, (port.number + 1).to_bytes(4, "little"))

    def _lose_link(self, port: Port) -> None:
        """Close a port's link, and lead no packet there."""
        if port.link is not None:
            os.close(port.link)
            port.link = None
        self._numbers.put(port.ifindex.to_bytes(4, "little"), bytes(4))
        with suppress(LoadError):  # the kernel takes out what is gone itself
            self._links.delete(port.number.to_bytes(4, "little"))


def interface_indices(names: Iterable[str]) -> list[int]:
    """Return the indices of interfaces; PortError names one that does not exist."""
    return [interface(name).ifindex for name in names]
