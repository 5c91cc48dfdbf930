"""Tables with ternary or range keys in the kernel: rules in order of priority, in two banks, so
that packets see all of a change or nothing of it.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from p4xdp.xdp.encoding import packed
from p4xdp.xdp.tables import XdpTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from p4xdp.dataplane import Entry, Match
    from p4xdp.xdp.direct import DirectCells
    from p4xdp.xdp.layout import Slot
    from p4xdp.xdp.manifest import TableInfo
    from p4xdp.xdp.maps import Fence, Map
    from p4xdp.xdp.switched import CellArray

BANKS_SIZE = 24  # struct rule_banks
_BANK = struct.Struct("<II")  # first, count
_FIRST_BANK_OFFSET = 8
_PRIORITY_SIZE = 8
_RULE_END = struct.Struct("<II")  # next, priority


class RuleBanks:
    """The rules in force and those before them. `size` is how many rules a bank holds."""

    def __init__(self, rules: Map, state: Map, size: int, fence: Fence) -> None:
        self._rules = rules.mapped(2 * size)
        self._state = state.mapped()
        self._stride = rules.value_size
        self._size = size
        self._fence = fence

    def publish(self, rules: Sequence[bytes]) -> None:
        """Put `rules` into force, all in one step to packets."""
        idle = 1 - self._state[0]
        first = idle * self._size
        # Packets may still be among the rules that the last step but one put into force.
        self._fence.wait()
        start = first * self._stride
        text = b"".join(rules)
        self._rules[start : start + len(text)] = text
        at = _FIRST_BANK_OFFSET + idle * _BANK.size
        self._state[at : at + _BANK.size] = _BANK.pack(first, len(rules))
        # One octet, so packets see one bank or the other.
        self._state[0] = idle

    def read(self) -> list[bytes]:
        """Return the rules in force."""
        at = _FIRST_BANK_OFFSET + self._state[0] * _BANK.size
        first, count = _BANK.unpack(self._state[at : at + _BANK.size])
        starts = range(first * self._stride, (first + count) * self._stride, self._stride)
        return [self._rules[start : start + self._stride] for start in starts]

    def close(self) -> None:
        """Give the memory back."""
        self._rules.close()
        self._state.close()


class OrderedTable(XdpTable):
    """A table whose entries are rules. Of two with the same priority, the one that came first is
    first.
    """

    def key_of(self, entry: Entry) -> bytes:
        """Return the rule but for its action, and the priority behind it."""
        layout = self._info.layout
        by_name = self._by_name(entry)
        masks = [_mask(slot, by_name[slot.name], layout.ranges) for slot in layout.keys]
        values = [
            by_name[slot.name].value & mask for slot, mask in zip(layout.keys, masks, strict=True)
        ]
        widths = {slot.name: slot.width for slot in layout.keys}
        limits = [_limits(by_name[name], widths[name]) for name in layout.ranges]
        return b"".join(
            (
                packed(layout.keys, values, layout.key_size),
                packed(layout.keys, masks, layout.key_size),
                *limits,
                entry.priority.to_bytes(_PRIORITY_SIZE, "little"),
            )
        )


class RuleTable(OrderedTable):
    """A table whose rules are all compared."""

    def __init__(
        self,
        info: TableInfo,
        banks: RuleBanks,
        defaults: CellArray | None,
        size: int,
        direct: DirectCells | None = None,
    ) -> None:
        super().__init__(info, None, defaults, size, direct)
        self._banks = banks

    def close(self) -> None:
        """Give back what is not the kernel's."""
        super().close()
        self._banks.close()

    def _read(self) -> dict[bytes, bytes]:
        value_size = self._info.layout.value_size
        return dict(parts_of(rule, value_size) for rule in self._banks.read())

    def _add(self, added: dict[bytes, bytes]) -> None:
        self._publish(self._held | added)

    def _change(self, changed: dict[bytes, bytes]) -> None:
        self._publish(self._held | changed)

    def _remove(self, gone: dict[bytes, bytes]) -> None:
        self._publish({key: v for key, v in self._held.items() if key not in gone})

    def _publish(self, entries: dict[bytes, bytes]) -> None:
        ordered = sorted(entries, key=priority_of, reverse=True)  # stable, reversed or not
        self._banks.publish([rule_of(key, entries[key]) for key in ordered])


def rule_of(key: bytes, value: bytes, following: int = 0) -> bytes:
    """Return the octets of a rule, from its key (as `key_of`), its action, and the place of the
    rule after it in its group.
    """
    end = _RULE_END.pack(following, priority_of(key))
    return value + key[:-_PRIORITY_SIZE] + end


def following_of(rule: bytes) -> int:
    """Return the place of the rule after this one in its group; 0 is none."""
    following: int = _RULE_END.unpack(rule[-_RULE_END.size :])[0]
    return following


def parts_of(rule: bytes, value_size: int) -> tuple[bytes, bytes]:
    """Return what `rule_of` was given: key and action, of `value_size` octets."""
    priority: int = _RULE_END.unpack(rule[-_RULE_END.size :])[1]
    key = rule[value_size : -_RULE_END.size] + priority.to_bytes(_PRIORITY_SIZE, "little")
    return key, rule[:value_size]


def priority_of(key: bytes) -> int:
    """Return the priority in a key."""
    return int.from_bytes(key[-_PRIORITY_SIZE:], "little")


def _mask(slot: Slot, match: Match, ranges: Sequence[str]) -> int:
    """Return what is compared of a field; a range is compared apart."""
    return 0 if slot.name in ranges else match.mask & ((1 << slot.width) - 1)


def _limits(match: Match, width: int) -> bytes:
    if match.high is None and match.mask == 0:
        return struct.pack("<QQ", 0, (1 << width) - 1)
    high = match.value if match.high is None else match.high
    return struct.pack("<QQ", match.value, high)
