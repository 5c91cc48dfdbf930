"""What sessions of one shape have in common, compiled once. Pure.

An SMF's sessions are alike but for a few numbers: usage counters, tunnel endpoints, UE addresses.
The second session of a shape is compiled with two sets of marks in place of its numbers as well.
Where those two differ is where a number goes, and the next sessions of the shape have their entries
filled in. The compiler alone says what entries are; a shape that it does not treat so simply (with
filters, quotas, numbers of the session's own) has no blueprint.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, fields, replace
from ipaddress import IPv4Address, IPv6Network
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from upf.compiler import Compiled, Context, Survey, compile_session, survey
from upf.entry import Entry, MatchValue, MeterRate
from upf.errors import UPFError
from upf.policing import MeterKind
from upf.rules import FAR, PDI, PDR, ForwardingParameters, OuterHeaderCreation
from upf.session import Session
from upf.treatment import TunnelPeer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from upf.networks import Networks

MOST_SHAPES = 512

Shape: TypeAlias = tuple[Hashable, ...]
Number: TypeAlias = tuple[str, int]  # of a kind
Places: TypeAlias = dict[Number, int]

# Fields that are numbers of a session, are looked into, or that entries do not depend on.
_APART: Mapping[type, frozenset[str]] = {
    PDR: frozenset({"usage_id", "pdi"}),
    PDI: frozenset({"local_fteid", "ue_ipv4", "ue_ipv6"}),
    FAR: frozenset({"forwarding"}),
    ForwardingParameters: frozenset({"outer_header_creation"}),
    OuterHeaderCreation: frozenset({"teid"}),
    Session: frozenset(
        {
            *("up_seid", "cp_seid", "cp_address", "dnn", "s_nssai", "chosen_fteids"),
            *("pdrs", "fars", "qers", "urrs", "bars", "quota_grants", "spent", "allocated"),
            *("inactivity_timer_s", "sets"),
        }
    ),
}


def _others(cls: type) -> Callable[[Any], Hashable]:
    """All other fields of a class, those included that it gets some day."""
    names = [each.name for each in fields(cls) if each.name not in _APART[cls]]
    return attrgetter(*names) if names else lambda _: ()


_of_pdr, _of_pdi, _of_far = _others(PDR), _others(PDI), _others(FAR)
_of_forwarding, _of_creation = _others(ForwardingParameters), _others(OuterHeaderCreation)
_of_session = _others(Session)


def shape_of(session: Session, num_session_meters: int) -> tuple[Shape, Places]:
    """What entries depend on beside numbers, and the numbers, each once, with its place.

    Which numbers are equal belongs to the shape. Identities of QERs and URRs stand for them:
    whoever keeps a shape keeps a session of that shape.
    """
    places: Places = {}

    def place(kind: str, number: int) -> int:
        return places.setdefault((kind, number), len(places))

    parts: list[Hashable] = [_of_session(session)]
    for pdr in session.pdrs.values():
        pdi, usage_id = pdr.pdi, pdr.usage_id
        fteid, ipv4, ipv6 = pdi.local_fteid, pdi.ue_ipv4, pdi.ue_ipv6
        parts += (
            _of_pdr(pdr),
            _of_pdi(pdi),
            place("usage", usage_id),
            usage_id < num_session_meters,
            None if fteid is None else (fteid.endpoint_id, place("teid", fteid.teid)),
            None if ipv4 is None else place("ipv4", int(ipv4)),
            None if ipv6 is None else place("ipv6", _prefix(ipv6)),
        )
    for far in session.fars.values():
        forwarding = far.forwarding
        if forwarding is None:
            parts.append(_of_far(far))
            continue
        creation = forwarding.outer_header_creation
        parts += (
            _of_far(far),
            _of_forwarding(forwarding),
            None if creation is None else (_of_creation(creation), place("tunnel", creation.teid)),
        )
    parts += (tuple(map(id, session.qers.values())), tuple(map(id, session.urrs.values())))
    return tuple(parts), places


def _prefix(network: IPv6Network) -> int:
    return int(network.network_address) >> 64


@dataclass(frozen=True, slots=True)
class _Pattern:
    """An entry, and where in its key and its parameters which numbers go."""

    entry: Entry
    key: tuple[tuple[int, int], ...]
    params: tuple[tuple[int, int], ...]
    pdr_id: int

    def filled(self, numbers: Sequence[int]) -> Entry:
        entry = self.entry
        key, params = list(entry.key), list(entry.params)
        for at, place in self.key:
            key[at] = numbers[place]
        for at, place in self.params:
            params[at] = numbers[place]
        return Entry(entry.table, tuple(key), entry.action, tuple(params), entry.priority)


@dataclass(frozen=True, slots=True)
class Blueprint:
    """The entries of all sessions of a shape. The identifiers of `peers` follow the numbers."""

    prototype: Session
    peers: tuple[TunnelPeer, ...]
    peer_set: frozenset[TunnelPeer]
    patterns: tuple[_Pattern, ...]
    rates: tuple[tuple[int, MeterRate], ...]

    def compiled(self, places: Places, context: Context) -> Compiled:
        """The entries of a session of this shape."""
        numbers = [number for _, number in places]
        numbers += [context.peer_ids[peer] for peer in self.peers]
        entries, pdr_ids = [], {}
        for pattern in self.patterns:
            entry = pattern.filled(numbers)
            entries.append(entry)
            pdr_ids[entry.identity] = pattern.pdr_id
        rates = {(MeterKind.SESSION, numbers[place]): rate for place, rate in self.rates}
        return Compiled(tuple(entries), pdr_ids, rates)


@dataclass(frozen=True, slots=True)
class Drafted:
    """A session that there is a blueprint for; what its entries need is as in `Survey`."""

    blueprint: Blueprint
    places: Places

    @property
    def peers(self) -> frozenset[TunnelPeer]:
        """The tunnel peers that its entries refer to."""
        return self.blueprint.peer_set

    @property
    def names(self) -> frozenset[Any]:
        """It has no numbers of its own."""
        return frozenset()

    @property
    def rule_lists(self) -> frozenset[Any]:
        """It has no filters."""
        return frozenset()

    def compiled(self, context: Context) -> Compiled:
        """Its entries."""
        return self.blueprint.compiled(self.places, context)


class Blueprints:
    """The shapes seen lately."""

    def __init__(self, networks: Networks, num_session_meters: int) -> None:
        self._networks = networks
        self._num_session_meters = num_session_meters
        self._known: dict[Shape, Blueprint | None] = {}
        self._seen: set[Shape] = set()

    def draft(self, session: Session) -> Survey | Drafted:
        """What the entries of a session need; UPFError names the rule that cannot be expressed."""
        if session.quota_grants or session.spent:
            return self._surveyed(session)
        try:
            shape, places = shape_of(session, self._num_session_meters)
            blueprint = self._known.get(shape)
        except TypeError:  # a rule with a field that has no hash
            return self._surveyed(session)
        if blueprint is not None:
            return Drafted(blueprint, places)
        surveyed = self._surveyed(session)
        if shape not in self._known:
            self._learn(shape, places, surveyed)
        return surveyed

    def _surveyed(self, session: Session) -> Survey:
        return survey(session, self._networks, self._num_session_meters)

    def _learn(self, shape: Shape, places: Places, surveyed: Survey) -> None:
        """Keep a shape the second time it is seen: what differs each time is not worth it."""
        if len(self._known) >= MOST_SHAPES:
            self._known.clear()
        if len(self._seen) >= MOST_SHAPES:
            self._seen.clear()
        if shape in self._seen:
            self._known[shape] = self._made(places, surveyed)
        else:
            self._seen.add(shape)

    def _made(self, places: Places, surveyed: Survey) -> Blueprint | None:
        """The blueprint of a session that was surveyed; None if it is not so simple."""
        if surveyed.classified or surveyed.names:
            return None
        peers = tuple(surveyed.peers)
        context = Context({peer: number for number, peer in enumerate(peers, start=1)}, {}, {})
        try:
            runs = [self._run(surveyed.session, places, peers, salt) for salt in (0, 1)]
            patterns, rates = _patterns(*runs)
        except (UPFError, KeyError, ValueError):
            return None  # a number decides more than where it stands
        blueprint = Blueprint(surveyed.session, peers, frozenset(peers), patterns, rates)
        is_right = blueprint.compiled(places, context) == compile_session(surveyed, context)
        return blueprint if is_right else None

    def _run(
        self, session: Session, places: Places, peers: Sequence[TunnelPeer], salt: int
    ) -> _Run:
        """Compile a session with marks in place of its numbers."""
        marks = {
            (kind, number): self._mark(kind, number, 2 * place + salt)
            for (kind, number), place in places.items()
        }
        peer_ids = {
            peer: _MARK | 2 * place + salt for place, peer in enumerate(peers, start=len(places))
        }
        surveyed = self._surveyed(_marked(session, marks))
        compiled = compile_session(surveyed, Context(peer_ids, {}, {}))
        return _Run([*marks.values(), *peer_ids.values()], compiled)

    def _mark(self, kind: str, number: int, which: int) -> int:
        """Another number of a kind, on the same side of what the compiler asks of it."""
        if kind != "usage":
            return _MARK | which
        return which if number < self._num_session_meters else self._num_session_meters + which


_MARK = 1 << 31


@dataclass(frozen=True, slots=True)
class _Run:
    marks: list[int]
    compiled: Compiled


def _marked(session: Session, marks: Mapping[Number, int]) -> Session:
    """A session with other numbers."""
    pdrs = {}
    for pdr_id, pdr in session.pdrs.items():
        pdi = pdr.pdi
        fteid, ipv4, ipv6 = pdi.local_fteid, pdi.ue_ipv4, pdi.ue_ipv6
        if fteid is not None:
            fteid = replace(fteid, teid=marks["teid", fteid.teid])
        if ipv4 is not None:
            ipv4 = IPv4Address(marks["ipv4", int(ipv4)])
        if ipv6 is not None:
            ipv6 = IPv6Network((marks["ipv6", _prefix(ipv6)] << 64, 64))
        pdi = replace(pdi, local_fteid=fteid, ue_ipv4=ipv4, ue_ipv6=ipv6)
        pdrs[pdr_id] = replace(pdr, usage_id=marks["usage", pdr.usage_id], pdi=pdi)
    fars = {}
    for far_id, far in session.fars.items():
        forwarding = far.forwarding
        if forwarding is not None and (creation := forwarding.outer_header_creation) is not None:
            creation = replace(creation, teid=marks["tunnel", creation.teid])
            far = replace(far, forwarding=replace(forwarding, outer_header_creation=creation))  # noqa: PLW2901
        fars[far_id] = far
    return replace(session, pdrs=pdrs, fars=fars)


def _patterns(
    one: _Run, other: _Run
) -> tuple[tuple[_Pattern, ...], tuple[tuple[int, MeterRate], ...]]:
    """What two runs have in common; KeyError or ValueError if they differ by more than marks."""
    at = {mark: place for place, mark in enumerate(one.marks)}
    patterns = tuple(
        _Pattern(
            mine, _places(mine.key, theirs.key, at), _places(mine.params, theirs.params, at), pdr_id
        )
        for mine, theirs, pdr_id in zip(
            one.compiled.entries,
            other.compiled.entries,
            one.compiled.pdr_ids.values(),
            strict=True,
        )
    )
    rates = tuple((at[index], rate) for (_, index), rate in one.compiled.rates.items())
    return patterns, rates


def _places(
    one: Sequence[MatchValue], other: Sequence[MatchValue], at: Mapping[int, int]
) -> tuple[tuple[int, int], ...]:
    """Where two tuples differ, and the place of the number whose mark stands there in `one`."""
    return tuple(
        (position, at[value])
        for position, (value, its) in enumerate(zip(one, other, strict=True))
        if value != its and isinstance(value, int)
    )
