"""What interfaces must stop or begin doing on their own before XDP sees their packets, and how it
is undone: also by another process, which finds what was changed where it is kept.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from p4xdp.xdp.errors import PortError
from p4xdp.xdp.namespaces import interface, peer_of
from p4xdp.xdp.offloads import Offload, is_on, switch

if TYPE_CHECKING:
    from p4xdp.kept import Kept
    from p4xdp.xdp.namespaces import Interface, Peer

# The far end of a veth: it takes redirected frames only with GRO on, and it would leave checksums
# and segments for hardware to finish that is not there.
_PEER_NEEDS = ((Offload.GRO, True), (Offload.TX_CHECKSUM, False))
# Our own end. Tags must be in the frame, and frames must be as they were on the wire.
_NATIVE_NEEDS = ((Offload.RX_VLAN, False), (Offload.LRO, False))
_GENERIC_NEEDS = (*_NATIVE_NEEDS, (Offload.GRO, False))

_KIND = "offloads"  # kept by INTERFACE/END/WORD: whether it was on before
_PEER_END, _OWN_END = "peer", "own"

_logger = logging.getLogger(__name__)


class Preparations:
    """Offloads switched for the sake of ports."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def prepare_peer(self, veth: Interface) -> str | None:
        """Switch what the far end of `veth` needs; return what a person must do if we cannot."""
        peer = peer_of(veth)
        commands = " ".join(f"{o.word} {'on' if on else 'off'}" for o, on in _PEER_NEEDS)
        if peer is None:
            return (
                f"the far end of veth {veth.name} is in a namespace out of reach: "
                f"there, `ethtool -K <interface> {commands}` is needed"
            )
        try:
            for offload, on in _PEER_NEEDS:
                self._switch_peer(veth.name, peer, offload, on=on)
        except OSError as error:
            return (
                f"cannot switch {peer.name} in {peer.namespace}, the far end of {veth.name} "
                f"({error.strerror or error}): there, `ethtool -K {peer.name} {commands}` is needed"
            )
        finally:
            peer.close()
        return None

    def prepare_own(self, found: Interface, *, is_native: bool) -> None:
        """Switch what our own end needs; warn of what cannot be."""
        for offload, on in _NATIVE_NEEDS if is_native else _GENERIC_NEEDS:
            try:
                if is_on(found.name, offload) == on:
                    continue
                switch(found.name, offload, on=on)
            except OSError as error:
                _logger.warning("%s: cannot switch %s (%s)", found.name, offload.word, error)
                continue
            _logger.info("%s: %s switched %s", found.name, offload.word, _word(on=on))
            self._note(found.name, _OWN_END, offload, was_on=not on)

    def undo(self, name: str) -> None:
        """Switch back what was switched for interface `name`, as far as it is still there."""
        for key, before in self._kept.all(_KIND).items():
            owner, end, word = key.rsplit("/", 2)
            if owner != name:
                continue
            offload = next(each for each in Offload if each.word == word)
            try:
                _restore(name, end, offload, on=before == b"on")
            except (OSError, PortError) as error:
                # It may be gone with its namespace, which is as well.
                _logger.debug("%s, %s end: %s", name, end, error)
            self._kept.drop(_KIND, key)

    def _switch_peer(self, owner: str, peer: Peer, offload: Offload, *, on: bool) -> None:
        if peer.run(lambda: is_on(peer.name, offload)) == on:
            return
        peer.run(lambda: switch(peer.name, offload, on=on))
        text = "%s in %s: %s switched %s"
        _logger.info(text, peer.name, peer.namespace, offload.word, _word(on=on))
        self._note(owner, _PEER_END, offload, was_on=not on)

    def _note(self, owner: str, end: str, offload: Offload, *, was_on: bool) -> None:
        key = f"{owner}/{end}/{offload.word}"
        if self._kept.get(_KIND, key) is None:
            self._kept.put(_KIND, key, _word(on=was_on).encode())


def _restore(name: str, end: str, offload: Offload, *, on: bool) -> None:
    if end == _OWN_END:
        switch(name, offload, on=on)
        return
    peer = peer_of(interface(name))
    if peer is not None:
        try:
            peer.run(lambda: switch(peer.name, offload, on=on))
        finally:
            peer.close()


def _word(*, on: bool) -> str:
    return "on" if on else "off"
