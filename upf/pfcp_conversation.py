"""A captured N4 conversation: every PFCP message, and which answers or repeats which.

Pure: datagrams in, exchanges out, so that people and machines are shown the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pfcp import messages
from pfcp.dissection import Dissection, dissect
from upf.udp_datagrams import Address, Datagram

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_VERSION_NOT_SUPPORTED = 11


@dataclass(frozen=True, slots=True)
class Exchange:
    """One message of the conversation, numbered from 1.

    `answers` is the number of the request this is the answer to, `answers_after_s` the time since
    it was first sent; `repeats` the number of the same octets sent before. Octets that came by no
    network have neither time nor addresses.
    """

    number: int
    at_s: float | None
    source: Address | None
    destination: Address | None
    message: Dissection
    missing_octets: int = 0
    answers: int | None = None
    answers_after_s: float | None = None
    repeats: int | None = None


class Conversation:
    """Numbers messages and finds what belongs together."""

    def __init__(self) -> None:
        self._count = 0
        self._requests: dict[tuple[str, str, int, int], Exchange] = {}
        self._seen: dict[tuple[str, str, bytes], int] = {}

    def of_datagrams(self, datagrams: Iterable[Datagram]) -> Iterator[Exchange]:
        """The messages of datagrams in their order."""
        for each in datagrams:
            for message in dissect(each.octets):
                yield self._add(each, message)

    def of_octets(self, messages_octets: Iterable[bytes]) -> Iterator[Exchange]:
        """Messages that came by no network."""
        for octets in messages_octets:
            for message in dissect(octets):
                self._count += 1
                yield Exchange(self._count, None, None, None, message)

    def _add(self, datagram: Datagram, message: Dissection) -> Exchange:
        self._count += 1
        source, destination = str(datagram.source[0]), str(datagram.destination[0])
        octets = (source, destination, message.octets)
        repeats = self._seen.setdefault(octets, self._count)
        request = self._request_of(message, source, destination)
        waited_s = None if request is None or request.at_s is None else datagram.at_s - request.at_s
        exchange = Exchange(
            self._count,
            datagram.at_s,
            datagram.source,
            datagram.destination,
            message,
            datagram.missing_octets,
            request.number if request is not None else None,
            waited_s,
            repeats if repeats != self._count else None,
        )
        self._note(exchange, source, destination)
        return exchange

    def _note(self, exchange: Exchange, source: str, destination: str) -> None:
        """Remember a request for its answer; one repeated was first sent before."""
        head = exchange.message.head
        if head is None or exchange.repeats is not None:
            return
        response_type = messages.response_type_of(head.message_type)
        if response_type is not None:
            key = (source, destination, head.sequence_number, response_type)
            self._requests[key] = exchange

    def _request_of(self, message: Dissection, source: str, destination: str) -> Exchange | None:
        head = message.head
        if head is None:
            return None
        if head.message_type == _VERSION_NOT_SUPPORTED:
            sent = [
                request
                for (asker, asked, number, _), request in self._requests.items()
                if (asker, asked, number) == (destination, source, head.sequence_number)
            ]
            return sent[-1] if sent else None
        return self._requests.get((destination, source, head.sequence_number, head.message_type))
