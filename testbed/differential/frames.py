"""Frames that take every way through the ingress parser, and frames that are broken."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.interp.machine import Machine, PacketTooShortError
from p4xdp.interp.parser import next_state
from p4xdp.interp.statements import execute
from p4xdp.interp.store import Store
from testbed.differential.sides import SHORTEST_OCTETS
from testbed.differential.vocabulary import field_node

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from testbed.differential.vocabulary import Node
    from testbed.differential.world import World

_LONGEST_HEAD = 600
_LONGEST_MISTAKE = 160  # how far in a frame something is wrong
_MOST_STATES = 40
_ENDS = ("accept", "reject")
_PAYLOAD: Node = ("payload", "", "")


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame received on `port`, and the octet where Ethernet begins."""

    port: int
    octets: bytes
    ethernet_at: int

    @property
    def least_octets(self) -> int:
        """Return how short the frame can be: less is none, here or without what the controller
        puts before it.
        """
        return self.ethernet_at + SHORTEST_OCTETS


@dataclass(slots=True)
class Walk:
    """One way through the parser, and the frame that takes it as far as it has come.

    `pinned` has ones where bits have been decided before their header is extracted.
    """

    machine: Machine
    octets: bytearray
    pinned: bytearray
    places: dict[str, int]  # where the fields of a header begin, in bits

    def write(self, at: int, width: int, value: int, mask: int) -> None:
        """Set the bits of `mask` in the `width` bits from bit `at` on."""
        first, last = at // 8, (at + width + 7) // 8
        shift = last * 8 - at - width
        whole = int.from_bytes(self.octets[first:last])
        whole = whole & ~(mask << shift) | (value & mask) << shift
        self.octets[first:last] = whole.to_bytes(last - first)

    def read(self, at: int, width: int) -> int:
        """Return `width` bits from bit `at` on."""
        first, last = at // 8, (at + width + 7) // 8
        shift = last * 8 - at - width
        return int.from_bytes(self.octets[first:last]) >> shift & (1 << width) - 1

    def pin(self, at: int, width: int, mask: int) -> None:
        """Keep the bits of `mask` as they are when the header that they are in is filled."""
        first, last = at // 8, (at + width + 7) // 8
        whole = int.from_bytes(self.pinned[first:last]) | mask << (last * 8 - at - width)
        self.pinned[first:last] = whole.to_bytes(last - first)

    def unpinned(self, at: int, width: int) -> int:
        """Return a mask of the bits that are free."""
        first, last = at // 8, (at + width + 7) // 8
        shift = last * 8 - at - width
        return ~(int.from_bytes(self.pinned[first:last]) >> shift) & (1 << width) - 1


class Frames:
    """Makes frames for `program`, their fields from `world`."""

    def __init__(self, program: ir.Program, world: World) -> None:
        self._gress = program.ingress
        self._store = Store(program)
        self._world = world
        states = program.ingress.parser.states
        # The more is behind a state, the more often it is gone to.
        self._reach = {name: len(_reachable(name, states)) for name in (*states, *_ENDS)}

    def walk(self, port: int, rng: random.Random) -> Frame:
        """Return a frame for `port` whose headers the parser takes."""
        octets = bytearray(_LONGEST_HEAD)
        device = {"ingress_port": port, "ingress_mac_tstamp": 1}
        machine = Machine(self._gress, self._store, bytes(octets), 1, device)
        walk = Walk(machine, octets, bytearray(_LONGEST_HEAD), {})
        name = "start"
        for _ in range(_MOST_STATES):
            try:
                name = self._step(self._gress.parser.states[name], walk, rng)
            except PacketTooShortError:
                break
            if name in _ENDS:
                break
        end = min(machine.cursor_bits // 8, _LONGEST_HEAD)
        starts = [at for header, at in walk.places.items() if "ethernet" in header]
        whole = bytes(octets[:end]) + self._payload(rng)
        return Frame(port, whole, min(starts, default=0) // 8)

    def _step(self, state: ir.ParserState, walk: Walk, rng: random.Random) -> str:
        for statement in state.statements:
            if isinstance(statement, ir.Extract) and not statement.header.intrinsic:
                self._fill(statement.header, walk, rng)
            execute((statement,), walk.machine)
        for key in state.keys:
            _scatter(key, walk, rng)
        states = sorted({select.next_state for select in state.selects})
        (chosen,) = rng.choices(states, [self._reach[name] for name in states])
        select = rng.choice([one for one in state.selects if one.next_state == chosen])
        for key, (value, mask) in zip(state.keys, select.matches, strict=False):
            _force(key, value, mask, walk)
        walk.machine.frame = bytes(walk.octets)
        return next_state(state, walk.machine)

    def _payload(self, rng: random.Random) -> bytes:
        """Most frames of a world have one of few lengths, as checksums over them do."""
        chance = rng.random()
        if chance < 0.03:
            return rng.randbytes(rng.choice((200, 1400, 1500, 1600, 3000, 9000)))
        length = self._world.draw(_PAYLOAD, 6, rng) if chance < 0.7 else rng.randrange(80)
        return rng.randbytes(length)

    def _fill(self, header: ir.Header, walk: Walk, rng: random.Random) -> None:
        start = walk.machine.cursor_bits
        if start + header.type.width > _LONGEST_HEAD * 8:
            raise PacketTooShortError
        for field in header.type.fields:
            value = self._world.draw(field_node(header, field), field.width, rng)
            at = start + field.offset
            walk.write(at, field.width, value, walk.unpinned(at, field.width))
        walk.places[header.name] = start
        walk.machine.frame = bytes(walk.octets)


def _reachable(name: str, states: Mapping[str, ir.ParserState]) -> set[str]:
    found, waiting = {name}, [name]
    while waiting:
        state = states.get(waiting.pop())
        following = {select.next_state for select in state.selects} if state else set()
        waiting += following - found
        found |= following
    return found


def _scatter(key: ir.Expression, walk: Walk, rng: random.Random) -> None:
    """Have anything stand where `key` looks ahead, as cases without a say in it do."""
    while isinstance(key, ir.Slice | ir.Cast):
        key = key.operand
    at = walk.machine.cursor_bits
    if isinstance(key, ir.Lookahead) and at + key.width <= _LONGEST_HEAD * 8:
        walk.write(at, key.width, rng.getrandbits(key.width), walk.unpinned(at, key.width))


def _force(key: ir.Expression, value: int, mask: int, walk: Walk) -> None:
    """Make bits of the frame so that `key` is `value` where `mask` has ones, if that can be."""
    low = 0
    while isinstance(key, ir.Slice | ir.Cast):
        if isinstance(key, ir.Slice):
            low += key.low
        key = key.operand
    value, mask = value << low, mask << low & (1 << key.width) - 1
    match key:
        case ir.HeaderField() if key.header.name in walk.places:
            at = walk.places[key.header.name] + key.field.offset
            walk.write(at, key.width, value, mask)
            fields = walk.machine.headers[key.header.name]
            fields[key.field.name] = walk.read(at, key.width)
        case ir.Lookahead():
            at = walk.machine.cursor_bits
            if at + key.width <= _LONGEST_HEAD * 8:
                walk.write(at, key.width, value, mask)
                walk.pin(at, key.width, mask)
        case ir.Binary(op=ir.BinaryOp.CONCAT):
            width = key.right.width
            _force(key.left, value >> width, mask >> width, walk)
            _force(key.right, value & (1 << width) - 1, mask & (1 << width) - 1, walk)
        case _:
            pass


def resized(frame: Frame, rng: random.Random) -> Frame:
    """Return `frame` with more or less at its end."""
    if rng.random() < 0.5:
        return dataclasses.replace(frame, octets=frame.octets + rng.randbytes(rng.randint(1, 60)))
    end = max(frame.least_octets, len(frame.octets) - rng.randint(1, 30))
    return dataclasses.replace(frame, octets=frame.octets[:end])


def broken(frame: Frame, rng: random.Random) -> Frame:
    """Return `frame` cut, longer, or with other bits: whatever comes from a wire."""
    octets = bytearray(frame.octets)
    for _ in range(rng.choice((1, 1, 2))):
        at = rng.randrange(min(len(octets), _LONGEST_MISTAKE))
        match rng.randrange(4):
            case 0:
                del octets[max(frame.least_octets, at) :]
            case 1:
                octets += rng.randbytes(rng.randint(1, 40))
            case 2:
                octets[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.getrandbits(8)))
            case _:
                octets[at] ^= 1 << rng.randrange(8)
    return dataclasses.replace(frame, octets=bytes(octets))
