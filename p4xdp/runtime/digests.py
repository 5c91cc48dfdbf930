"""Digests: DigestEntry configures them, and what packets tell is sent to primaries in lists.

Of equal messages one is sent until it is acknowledged or the time for that is over (P4Runtime
specification, "DigestEntry").
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from finsy.proto import p4r

from p4xdp.runtime import bytestrings
from p4xdp.runtime.arrays import find, selected
from p4xdp.runtime.changes import DELETE, INSERT
from p4xdp.runtime.errors import Code, RequestError, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from p4xdp.runtime.schema import Digest, DigestField, Schema
    from p4xdp.runtime.store import Store

MOST_IN_LIST = 1000  # where the client sets no limit, and at most
MOST_UNACKNOWLEDGED = 100_000  # messages of one digest; beyond, the oldest lists are forgotten

Values: TypeAlias = tuple[int, ...]


def write_digest(schema: Schema, store: Store, kind: int, message: Any) -> Callable[[], None]:
    """Begin to send a digest, change how, or end it. Returns how to undo it."""
    digest = find(schema.digests, message.digest_id, "digest")
    before = store.digests.get(digest.id)
    if kind == INSERT and before is not None:
        raise RequestError(Code.ALREADY_EXISTS, f"{digest.name} is configured already")
    if kind != INSERT and before is None:
        raise RequestError(Code.NOT_FOUND, f"{digest.name} is not configured")
    if kind != DELETE:
        _check(digest.name, message.config)

    def put(wanted: Any) -> None:
        store.digests.pop(digest.id, None)
        if wanted is not None:
            store.digests[digest.id] = wanted

    put(None if kind == DELETE else message)
    return lambda: put(before)


def _check(digest: str, config: Any) -> None:
    for name in ("max_timeout_ns", "max_list_size", "ack_timeout_ns"):
        value = getattr(config, name)
        if value < 0:
            raise invalid(f"{digest}: {name} is {value}; it is 0 or more")


def read_digests(schema: Schema, store: Store, message: Any) -> Iterator[Any]:
    """Give the DigestEntries asked for; id 0 is all that are configured."""
    chosen = selected(schema.digests, message.digest_id, "digest")
    entries = [store.digests[one.id] for one in chosen if one.id in store.digests]
    return iter([p4r.Entity(digest_entry=entry) for entry in entries])


@dataclass(slots=True)
class _Traffic:
    """Of one digest: what waits to be sent, and what was sent and not acknowledged."""

    waiting: dict[Values, None] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None
    unacknowledged: dict[Values, int] = field(default_factory=dict)  # -> list
    lists: dict[int, tuple[Values, ...]] = field(default_factory=dict)


class DigestLists:
    """Gathers what packets tell into lists. `send` gets a DigestList, and says whether somebody is
    there to get it.
    """

    def __init__(self, schema: Schema, store: Store, send: Callable[[Any], bool]) -> None:
        self._digests = schema.digests
        self._ids = {digest.name: digest.id for digest in schema.digests.values()}
        self._store = store
        self._send = send
        self._traffic = {number: _Traffic() for number in schema.digests}
        self._next_list = 1

    def take(self, name: str, values: Values) -> None:
        """Take what a packet tells; it is called on the event loop."""
        number = self._ids[name]
        config, traffic = self._config(number), self._traffic[number]
        if config is None or values in traffic.waiting or values in traffic.unacknowledged:
            return
        traffic.waiting[values] = None
        most = min(config.max_list_size or MOST_IN_LIST, MOST_IN_LIST)
        if not config.max_timeout_ns or len(traffic.waiting) >= most:
            self._send_list(number)
        elif traffic.timer is None:
            loop = asyncio.get_running_loop()
            traffic.timer = loop.call_later(config.max_timeout_ns / 1e9, self._send_list, number)

    def _config(self, number: int) -> Any:
        entry = self._store.digests.get(number)
        return None if entry is None else entry.config

    def _send_list(self, number: int) -> None:
        traffic, config = self._traffic[number], self._config(number)
        if traffic.timer is not None:
            traffic.timer.cancel()
        messages, traffic.timer, traffic.waiting = tuple(traffic.waiting), None, {}
        if config is None:
            return  # it was ended meanwhile
        list_id, self._next_list = self._next_list, self._next_list + 1
        message = p4r.DigestList(digest_id=number, list_id=list_id, timestamp=time.time_ns())
        for values in messages:
            _encode(self._digests[number], values, message.data.add())
        if self._send(message) and config.ack_timeout_ns:
            self._remember(number, list_id, messages, config.ack_timeout_ns / 1e9)

    def _remember(
        self, number: int, list_id: int, messages: tuple[Values, ...], timeout_s: float
    ) -> None:
        traffic = self._traffic[number]
        traffic.lists[list_id] = messages
        traffic.unacknowledged.update(dict.fromkeys(messages, list_id))
        asyncio.get_running_loop().call_later(timeout_s, self._forget, number, list_id)
        while len(traffic.unacknowledged) > MOST_UNACKNOWLEDGED:
            self._forget(number, next(iter(traffic.lists)))

    def _forget(self, number: int, list_id: int) -> None:
        traffic = self._traffic[number]
        for values in traffic.lists.pop(list_id, ()):
            traffic.unacknowledged.pop(values, None)

    def acknowledge(self, message: Any) -> None:
        """Take a DigestListAck; one of a list that is forgotten does nothing."""
        digest = find(self._digests, message.digest_id, "digest")
        self._forget(digest.id, message.list_id)


def _encode(digest: Digest, values: Values, data: Any) -> None:
    if digest.kind == "header":
        data.header.is_valid = True
        data.header.bitstrings.extend(map(_octets, digest.fields, values))
        return
    for one, value in zip(digest.fields, values, strict=True):
        part = data.struct.members.add() if digest.kind == "struct" else data
        if one.is_bool:
            part.bool = bool(value)
        else:
            part.bitstring = _octets(one, value)


def _octets(one: DigestField, value: int) -> bytes:
    if one.is_signed:
        return bytestrings.encode_signed(value, one.width)
    return bytestrings.encode(value)
