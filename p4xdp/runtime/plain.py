"""Updates of plain entries, read from octets at once.

Most updates are entries whose fields are all matched exactly, with an action and nothing else, in
the order of field numbers: those are recognised by a regular expression for each table and action,
which tells every length inside an entry, and a look at those around it. Anything else (another
order, another kind of match, notes, a value that does not fit) is left to `entries`, which says
what is wrong with it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from finsy.proto import p4r
from google.protobuf.message import DecodeError

from p4xdp.dataplane import Match
from p4xdp.runtime.errors import invalid
from p4xdp.runtime.schema import Default, MatchType, Scope, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from p4xdp.runtime.schema import Field, Schema
    from p4xdp.runtime.store import Key

_VARINT, _OCTETS = 0, 2  # wire types
_UPDATE = 4 << 3 | _OCTETS  # the field of WriteRequest
_ANY = rb"(?:[\x00-\x7f]|[\x80-\xff][\x01-\x7f])"
_LENGTH = b"(" + _ANY + b")"
_START = re.compile(
    rb"\x08[\x01-\x03]\x12" + _ANY + rb"\x12" + _ANY + rb"\x08([\x80-\xff]*[\x00-\x7f])"
)
_KEY_HEAD, _PARAM_HEAD = 8, 6  # octets of a match and of a parameter before the value
_MOST_FIELD_ID, _MOST_VALUE_OCTETS = 0x7F, 32


class PlainUpdate(NamedTuple):
    """`key` ends with the priority, which is 0; `call` is None where no action is given."""

    kind: int
    table: Table
    key: Key
    call: Default | None
    full: tuple[int, ...]  # the mask of each field

    @property
    def matches(self) -> tuple[Match, ...]:
        """The key as the data plane takes it."""
        return tuple(map(Match, self.key, self.full))


class _Pattern:
    """How updates of one table with one action, or none, look as octets. `limits` are of values
    whose width is not whole octets.
    """

    def __init__(
        self,
        table: Table,
        expression: re.Pattern[bytes],
        action: str | None,
        limits: tuple[tuple[int, int], ...],
    ) -> None:
        self._table = table
        self._match = expression.fullmatch
        self._num_keys = len(table.fields)
        self._full = tuple(field.full for field in table.fields)
        self._action = action
        self._limits = limits
        # Groups with the length of what follows: entity, entry, table action, action.
        of_action = (4 + self._num_keys, 5 + self._num_keys)
        self._lengths = (2, 3) if action is None else (2, 3, *of_action)
        # Of the last update, where all parts lay and what its lengths said: right there.
        self._right: tuple[Any, tuple[bytes, ...]] | None = None

    def read(self, octets: bytes) -> PlainUpdate | None:
        """The update, if it looks so."""
        found = self._match(octets)
        if found is None:
            return None
        lengths = found.group(*self._lengths)
        if (found.regs, lengths) != self._right:
            size = len(octets)
            if any(
                _number(length) != size - found.end(place)
                for length, place in zip(lengths, self._lengths, strict=True)
            ):
                return None
            self._right = found.regs, lengths
        groups, num_keys = found.groups(), self._num_keys
        values = [int.from_bytes(each[_KEY_HEAD:], "big") for each in groups[3 : 3 + num_keys]]
        call = None
        if self._action is not None:
            params = groups[5 + num_keys :]
            values += [int.from_bytes(each[_PARAM_HEAD:], "big") for each in params]
            call = Default(self._action, tuple(values[num_keys:]))
        for place, most in self._limits:
            if values[place] > most:
                return None
        key = (*values[:num_keys], 0)
        return PlainUpdate(groups[0][0], self._table, key, call, self._full)


def _number(varint: bytes) -> int:
    return varint[0] if len(varint) == 1 else varint[0] & 0x7F | varint[1] << 7


class PlainReader:
    """Reads updates for the tables of a program."""

    def __init__(self, schema: Schema) -> None:
        self._patterns = {
            _varint(table.id): list(_patterns(table))
            for table in schema.tables.values()
            if _is_plain(table)
        }
        self._last: _Pattern | None = None

    def read(self, octets: bytes) -> PlainUpdate | Any:
        """An update, or its message where it is not plain; DecodeError if it is none."""
        if self._last is not None and (update := self._last.read(octets)) is not None:
            return update
        start = _START.match(octets)
        for pattern in self._patterns.get(start[1], ()) if start is not None else ():
            if (update := pattern.read(octets)) is not None:
                self._last = pattern  # the next one is likely to look the same
                return update
        return p4r.Update.FromString(octets)


def _is_plain(table: Table) -> bool:
    return (
        bool(table.fields)
        and not table.is_const
        and table.implementation is None
        and all(_is_short(field) for field in table.fields)
        and all(field.match_type is MatchType.EXACT for field in table.fields)
    )


def _is_short(field: Field) -> bool:
    return field.id <= _MOST_FIELD_ID and field.width <= 8 * _MOST_VALUE_OCTETS


def _patterns(table: Table) -> Iterator[_Pattern]:
    start = rb"\x08([\x01-\x03])\x12" + _LENGTH + rb"\x12" + _LENGTH + _literal(8, table.id)
    start += b"".join(_one_of(field, _match_head) for field in table.fields)
    yield _Pattern(table, _compiled(start), None, _limits(table.fields))
    for action in table.actions.values():
        if table.scopes[action.id] is Scope.DEFAULT_ONLY or not all(map(_is_short, action.params)):
            continue
        call = rb"\x1a" + _LENGTH + rb"\x0a" + _LENGTH + _literal(8, action.id)
        call += b"".join(_one_of(param, _param_head) for param in action.params)
        limits = _limits([*table.fields, *action.params])
        yield _Pattern(table, _compiled(start + call), action.name, limits)


def _compiled(expression: bytes) -> re.Pattern[bytes]:
    return re.compile(expression, re.DOTALL)


def _literal(tag: int, number: int) -> bytes:
    return re.escape(bytes((tag,)) + _varint(number))


def _varint(number: int) -> bytes:
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    octets.append(number)
    return bytes(octets)


def _one_of(field: Field, head: Any) -> bytes:
    """A value of any length that its width allows, the most usual length first."""
    most = (field.width + 7) // 8
    ways = [re.escape(head(field.id, size)) + rb".{%d}" % size for size in range(most, 0, -1)]
    return b"(" + b"|".join(ways) + b")"


def _match_head(field_id: int, size: int) -> bytes:
    """FieldMatch, exact, before a value of so many octets."""
    return bytes((2 << 3 | 2, size + 6, 8, field_id, 2 << 3 | 2, size + 2, 1 << 3 | 2, size))


def _param_head(param_id: int, size: int) -> bytes:
    """Action.Param before a value of so many octets."""
    return bytes((4 << 3 | 2, size + 4, 2 << 3, param_id, 3 << 3 | 2, size))


def _limits(fields: Sequence[Field]) -> tuple[tuple[int, int], ...]:
    return tuple(
        (place, (1 << field.width) - 1) for place, field in enumerate(fields) if field.width % 8
    )


@dataclass(frozen=True, slots=True)
class WriteOctets:
    """A WriteRequest without its updates, and these as octets."""

    head: Any
    updates: list[bytes]

    @classmethod
    def parse(cls, octets: bytes) -> WriteOctets:
        """Take a WriteRequest apart; DecodeError if it is none."""
        try:
            first = _before_updates(octets)
            updates, last = _updates(octets, first)
        except IndexError:
            return cls._parse_whole(octets)
        head = p4r.WriteRequest.FromString(octets[:first] + octets[last:])
        return cls._parse_whole(octets) if head.updates else cls(head, updates)

    @classmethod
    def _parse_whole(cls, octets: bytes) -> WriteOctets:
        """Take apart one in an order of its own, or that is none."""
        whole = p4r.WriteRequest.FromString(octets)
        return cls(whole, [each.SerializeToString() for each in whole.updates])

    def decoded(self, reader: PlainReader) -> list[PlainUpdate | Any]:
        """Its updates; RequestError if one is none."""
        # Whether a batch is one step is asked of messages.
        is_atomic = self.head.atomicity == p4r.WriteRequest.DATAPLANE_ATOMIC
        read = p4r.Update.FromString if is_atomic else reader.read
        try:
            return [read(octets) for octets in self.updates]
        except DecodeError:
            raise invalid("an update is no p4.v1.Update") from None


def _before_updates(octets: bytes) -> int:
    """Where the first update begins, or the end; IndexError if that cannot be told."""
    at, size = 0, len(octets)
    while at < size and octets[at] != _UPDATE:
        kind, at = octets[at] & 7, at + 1
        if kind not in (_VARINT, _OCTETS):
            raise IndexError
        first = at
        while octets[at] > 0x7F:
            at += 1
        at += 1
        if kind == _OCTETS:
            if at - first > 1:
                raise IndexError
            at += octets[first]
    return at


def _updates(octets: bytes, at: int) -> tuple[list[bytes], int]:
    """The updates one behind the other from an offset on, and where they end; IndexError."""
    updates, size = [], len(octets)
    while at < size and octets[at] == _UPDATE:
        length = octets[at + 1]
        at += 2
        if length > 0x7F:
            if octets[at] > 0x7F:
                raise IndexError
            length = length & 0x7F | octets[at] << 7
            at += 1
        end = at + length
        if end > size:
            raise IndexError
        updates.append(octets[at:end])
        at = end
    return updates, at
