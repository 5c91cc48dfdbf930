"""The values that one run of a campaign is made of: of every kind a few, and what is special."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.dataplane import Entry, Match, MeterConfig
from testbed.differential.vocabulary import key_node, param_node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbed.differential.vocabulary import Kind, Node, Vocabulary

_RATES = (0, 1, 125, 10**5, 125 * 10**6, 5 * 10**9)
_BURSTS = (0, 1, 64, 300, 3000, 10**6)
_LARGEST_PRIORITY = 4


class World:
    """Few values of each kind, drawn once: what is drawn later is mostly one of these."""

    def __init__(self, vocabulary: Vocabulary, seed: int) -> None:
        self._vocabulary = vocabulary
        self._seed = seed
        self._usual: dict[Node, list[int]] = {}

    def draw(self, node: Node, width: int, rng: random.Random) -> int:
        """Return a value for what `node` stands for."""
        root, kind = self._vocabulary.kind(node, width)
        chance = rng.random()
        if chance < 0.85:
            return rng.choice(self._usual_of(root, kind))
        if chance < 0.95 and kind.constants:
            return rng.choice(sorted(kind.constants))
        return number(kind.width, rng)

    def _usual_of(self, root: Node, kind: Kind) -> list[int]:
        if root not in self._usual:
            rng = random.Random(f"{self._seed} {root}")
            self._usual[root] = values = []  # found by itself if kinds are parts of each other
            values += [self._first(kind, rng) for _ in range(rng.choice((1, 2, 2, 3)))]
            for node, low in kind.slices:
                whole, whole_kind = self._vocabulary.kind(node, kind.width)
                parts = (v >> low & _ones(kind.width) for v in self._usual_of(whole, whole_kind))
                values += [part for part in parts if part not in values]
        return self._usual[root]

    def _first(self, kind: Kind, rng: random.Random) -> int:
        if kind.size is not None:
            inside = rng.choice((0, 1, kind.size - 1, rng.randrange(kind.size)))
            return inside & _ones(kind.width)
        if kind.constants and rng.random() < 0.2:
            return rng.choice(sorted(kind.constants))
        return number(kind.width, rng)

    def entry(self, table: ir.Table, values: Sequence[int], gress: ir.Gress, seed: str) -> Entry:
        """Return an entry of `table` that a packet with these `values` finds."""
        rng = random.Random(seed)
        keys = zip(table.keys, values, strict=True)
        matches = tuple(_match(key, value, rng) for key, value in keys)
        is_ranked = any(
            key.match_kind in (ir.MatchKind.TERNARY, ir.MatchKind.RANGE) for key in table.keys
        )
        priority = rng.randint(1, _LARGEST_PRIORITY) if is_ranked else 0
        return Entry(matches, *self.action(table, gress, rng), priority)

    def action(
        self, table: ir.Table, gress: ir.Gress, rng: random.Random, *, is_default: bool = False
    ) -> tuple[str, tuple[int, ...]]:
        """Return an action for an entry of `table`, or for its misses, with arguments."""
        names = [
            reference.action
            for reference in table.actions
            if not (reference.table_only if is_default else reference.default_only)
        ]
        # An action that is given much does much: what only drops comes less often.
        weights = [1 + len(gress.actions[name].params) for name in names]
        name = rng.choices(names, weights)[0]
        params = enumerate(gress.actions[name].params)
        return name, tuple(
            self.draw(param_node(name, index), width, rng) for index, (_, width) in params
        )

    def key(self, table: ir.Table, rng: random.Random) -> list[int]:
        """Return values that packets may look for in `table`."""
        return [
            self.draw(key_node(table.name, index), key.width, rng)
            for index, key in enumerate(table.keys)
        ]


def meter_config(rng: random.Random) -> MeterConfig:
    """Return a meter that colours some packets one way and some another."""
    return MeterConfig(
        rng.choice(_RATES), rng.choice(_BURSTS), rng.choice(_RATES), rng.choice(_BURSTS)
    )


def _ones(width: int) -> int:
    return (1 << width) - 1


def number(width: int, rng: random.Random) -> int:
    """Return any number of `width` bits, small ones and the borders more often."""
    top = _ones(width)
    if rng.random() < 0.25:
        return rng.choice((0, 1, top, top - 1, top >> 1, (top >> 1) + 1)) & top
    if width > 16 and rng.random() < 0.2:
        return rng.randrange(5000)
    return rng.getrandbits(width)


def _match(key: ir.Key, value: int, rng: random.Random) -> Match:
    """Return a match that `value` fits."""
    width, ones = key.width, _ones(key.width)
    match key.match_kind:
        case ir.MatchKind.EXACT:
            return Match(value, ones)
        case ir.MatchKind.LPM:
            length = rng.choice((width, width, width * 3 // 4, rng.randint(0, width), 0))
            mask = ones ^ ones >> length
            return Match(value & mask, mask)
        case ir.MatchKind.TERNARY:
            prefix = ones ^ ones >> rng.randint(0, width)
            mask = rng.choice((ones, ones, 0, 0, prefix, rng.getrandbits(width)))
            return Match(value & mask, mask)
        case ir.MatchKind.RANGE:
            low = rng.choice((value, value, 0, rng.randint(0, value)))
            high = rng.choice((value, value, ones, rng.randint(value, ones)))
            return Match(low, 0, high)
        case ir.MatchKind.SELECTOR:
            raise AssertionError("what runs has no selectors: lowered")
