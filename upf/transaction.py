"""Making the switch hold what a session needs, whole or not at all.

What it shares with others and the rates of its meters stand before the session's own entries and
after them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from upf import tables
from upf.allocator import IndexPool
from upf.blueprint import Blueprints
from upf.compiler import Compiled, Context, NumberKind, OwnName
from upf.errors import RuleError, RuleId, RuleKind, WriteRejectedError
from upf.filters import RuleList, entries_of
from upf.plan import Plan, diff
from upf.policing import MeterKind
from upf.quotas import Grant, QuotaKind, QuotaName
from upf.shared import Shared
from upf.treatment import TunnelPeer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from upf.entry import EntryKey
    from upf.metering import UsageCounters
    from upf.networks import Networks
    from upf.routing import Routing
    from upf.session import Session
    from upf.target import Target

_METERS = {MeterKind.SESSION: tables.SESSION_METER, MeterKind.FLOW: tables.FLOW_METER}
_NOTHING = Compiled((), {}, {})
NO_GRANTS: Mapping[QuotaName, Grant] = {}


@dataclass(frozen=True, slots=True)
class Held:
    """What the switch holds for one session."""

    compiled: Compiled = _NOTHING
    peers: frozenset[TunnelPeer] = frozenset()
    rule_lists: frozenset[RuleList] = frozenset()
    own_ids: Mapping[OwnName, int] = field(default_factory=dict)
    grants: Mapping[QuotaName, Grant] = field(default_factory=dict)

    @property
    def cells(self) -> Mapping[QuotaName, int]:
        """The cells of its quotas, by number."""
        return {name: self.own_ids[name] for name in self.grants}


NOTHING_HELD = Held()


class SessionEntries:
    """Entries of all sessions. One session is changed by one caller at a time."""

    def __init__(
        self, target: Target, networks: Networks, counters: UsageCounters, routing: Routing
    ) -> None:
        self.networks = networks
        self.tunnel_peers = Shared(
            "tunnel peers",
            IndexPool("tunnel peers", target.size(tables.TABLES[tables.TunnelPeer])),
            routing.add_peers,
            routing.remove_peers,
        )
        self.rule_lists: Shared[RuleList] = Shared(
            "filters",
            IndexPool("lists of filters", tables.MAX_RULES_ID + 1),
            self._add_rules,
            self._remove_rules,
        )
        self._target = target
        self._blueprints = Blueprints(networks, counters.num_session_meters)
        flows = target.size(tables.TABLES[tables.Flow])
        flow_meters = target.size(tables.FLOW_METER)
        self._pools: dict[object, IndexPool] = {
            MeterKind.SESSION: counters.session_meters,
            MeterKind.FLOW: IndexPool("flow meters", flow_meters),
            NumberKind.CLASSIFIED: IndexPool("classified sessions", flows),
            QuotaKind.QUOTA: IndexPool("quotas", target.size(tables.QUOTAS)),
        }
        self._owners: dict[EntryKey, int] = {}
        # Each session has an endpoint and an address, in tables apart.
        self._num_keys = 2 * target.size(tables.TABLES[tables.SessionByFTEID])

    async def replace(
        self, held: Held, session: Session, grants: Mapping[QuotaName, Grant] = NO_GRANTS
    ) -> Held:
        """Make the switch hold what `session` needs instead of `held`.

        `grants` is what to put into cells of quotas that are new.
        On UPFError the switch holds `held` as before; the error names the rule to blame if one is.
        """
        draft = self._blueprints.draft(session)
        own_ids = self._numbered(held, draft.names)
        wanted = Held(_NOTHING, draft.peers, draft.rule_lists, own_ids)
        acquired = NOTHING_HELD
        claimed: set[EntryKey] = set()
        compiled = _NOTHING
        try:
            acquired = await self._acquire(wanted)
            context = Context(self.tunnel_peers.ids, self.rule_lists.ids, own_ids)
            compiled = draft.compiled(context)
            claimed = self._claim(compiled, session.up_seid)
            await self._grant(_new(own_ids, held.own_ids), grants)
            await self._write(held.compiled, compiled)
        except WriteRejectedError as error:
            _blame(error, compiled)
            await self._give_back(claimed, acquired, _new(own_ids, held.own_ids))
            raise
        except BaseException:
            await self._give_back(claimed, acquired, _new(own_ids, held.own_ids))
            raise
        gone = held.compiled.pdr_ids.keys() - compiled.pdr_ids.keys()
        await self._give_back(gone, held, _new(held.own_ids, own_ids))
        known = {**held.grants, **grants}
        kept = {name: known[name] for name in own_ids if isinstance(name, QuotaName)}
        return Held(compiled, draft.peers, draft.rule_lists, own_ids, kept)

    def restore(self, session: Session, kept: Held) -> Held:
        """What the switch is to hold for a session of an earlier run, by the numbers it had then.
        RuleError if another session has one of its keys.
        """
        context = Context(self.tunnel_peers.ids, self.rule_lists.ids, kept.own_ids)
        compiled = self._blueprints.draft(session).compiled(context)
        self._claim(compiled, session.up_seid)
        return replace(kept, compiled=compiled)

    def restore_numbers(self, helds: Collection[Held]) -> set[int]:
        """Have the numbers of sessions of an earlier run be theirs; the session meters among them,
        which share their numbers with usage counters.
        """
        taken: dict[object, set[int]] = {kind: set() for kind in self._pools}
        for held in helds:
            for name, number in held.own_ids.items():
                taken[name.kind].add(number)
        for kind, pool in self._pools.items():
            if kind is not MeterKind.SESSION:
                for number in pool.restore(taken[kind]):
                    pool.release(number)
        return taken[MeterKind.SESSION]

    async def abandon(self, held: Held) -> None:
        """Let go of what a session of an earlier run shares, which does not go on."""
        for key in held.compiled.pdr_ids:
            self._owners.pop(key, None)
        await self.tunnel_peers.release(held.peers)
        await self.rule_lists.release(held.rule_lists)

    async def grant_anew(self, held: Held, grants: Mapping[QuotaName, Grant]) -> Held:
        """Fill all cells of a session's quotas, which are empty."""
        if not grants:
            return held
        await self._grant({name: held.own_ids[name] for name in grants}, grants)
        return replace(held, grants=grants)

    async def add_rules(self, lists: Mapping[int, RuleList]) -> None:
        """Have the switch hold lists of filters, by identifier."""
        await self._add_rules(lists)

    async def remove(self, held: Held) -> None:
        """Take a session's entries off the switch."""
        plan = diff(held.compiled.entries, ())
        if plan:
            await self._target.apply(plan)
        await self._give_back(held.compiled.pdr_ids, held, held.own_ids)

    def load_percent(self) -> int:
        """How full the tables of sessions are."""
        return min(100, 100 * len(self._owners) // self._num_keys)

    def owner_of(self, key: EntryKey) -> int | None:
        """The UP SEID of the session that has a key."""
        return self._owners.get(key)

    async def used_up(self, numbers: Sequence[int]) -> frozenset[int]:
        """Of cells of quotas, those that are empty or stopped a packet that did not fit."""
        cells = await self._target.read_registers(tables.QUOTAS, numbers) if numbers else []
        return frozenset(
            number
            for number, (octets, told) in zip(numbers, cells, strict=True)
            if not octets or told == tables.QUOTA_TOLD
        )

    async def _acquire(self, wanted: Held) -> Held:
        """Take what is shared; what was taken. All or none."""
        await self.tunnel_peers.acquire(wanted.peers)
        try:
            await self.rule_lists.acquire(wanted.rule_lists)
        except BaseException:
            await self.tunnel_peers.release(wanted.peers)
            raise
        return wanted

    async def _grant(
        self, numbers: Mapping[OwnName, int], grants: Mapping[QuotaName, Grant]
    ) -> None:
        """Fill the cells of quotas that are new, before anything spends from them."""
        cells = {
            number: (grants[name].octets, tables.QUOTA_UNTOLD)
            for name, number in numbers.items()
            if isinstance(name, QuotaName)
        }
        if cells:
            await self._target.write_registers(tables.QUOTAS, cells)

    async def write_restored(self, compiled: Compiled) -> None:
        """Have the switch hold what `restore` gave."""
        await self._write(_NOTHING, compiled)

    async def _write(self, before: Compiled, after: Compiled) -> None:
        plan = diff(before.entries, after.entries)
        rates, known = after.rates, before.rates
        if rates != known:
            plan = replace(
                plan,
                rates={
                    (_METERS[kind], index): rate
                    for (kind, index), rate in rates.items()
                    if known.get((kind, index)) != rate
                },
                rates_before={
                    (_METERS[kind], index): rate for (kind, index), rate in known.items()
                },
            )
        if plan:
            await self._target.apply(plan)

    def _numbered(self, held: Held, names: Iterable[OwnName]) -> dict[OwnName, int]:
        """A number of the session's own for each name, those it has kept."""
        numbers: dict[OwnName, int] = {}
        try:
            for name in names:
                known = held.own_ids.get(name)
                numbers[name] = self._pools[name.kind].allocate() if known is None else known
        except BaseException:
            self._release_numbers(_new(numbers, held.own_ids))
            raise
        return numbers

    def _release_numbers(self, numbers: Mapping[OwnName, int]) -> None:
        for name, number in numbers.items():
            self._pools[name.kind].release(number)

    def _claim(self, compiled: Compiled, up_seid: int) -> set[EntryKey]:
        """Make the session the owner of its keys; RuleError if another one has a key."""
        for key, pdr_id in compiled.pdr_ids.items():
            if self._owners.get(key, up_seid) != up_seid:
                rule = RuleId(RuleKind.PDR, pdr_id)
                raise RuleError(
                    f"{rule} detects the same traffic as a PDR of another session", rule=rule
                )
        # Not by difference of the two key sets, which would walk all sessions' keys.
        new = {key for key in compiled.pdr_ids if key not in self._owners}
        self._owners.update(dict.fromkeys(new, up_seid))
        return new

    async def _give_back(
        self, keys: Iterable[EntryKey], shared: Held, numbers: Mapping[OwnName, int]
    ) -> None:
        for key in list(keys):
            del self._owners[key]
        self._release_numbers(numbers)
        await self.tunnel_peers.release(shared.peers)
        await self.rule_lists.release(shared.rule_lists)

    async def _add_rules(self, lists: Mapping[int, RuleList]) -> None:
        entries = [each for number, rules in lists.items() for each in entries_of(rules, number)]
        await self._target.apply(Plan(inserts=tuple(entries)))

    async def _remove_rules(self, lists: Mapping[int, RuleList]) -> None:
        entries = [each for number, rules in lists.items() for each in entries_of(rules, number)]
        await self._target.apply(Plan(deletes=tuple(entries)))


def _new(numbers: Mapping[OwnName, int], known: Mapping[OwnName, int]) -> dict[OwnName, int]:
    """The numbers that are not among those known."""
    return {name: number for name, number in numbers.items() if name not in known}


def _blame(error: WriteRejectedError, compiled: Compiled) -> None:
    """Name the PDR whose entry the switch refused first."""
    for failure in error.failures:
        if failure.entry is not None and failure.entry.identity in compiled.pdr_ids:
            error.rule = RuleId(RuleKind.PDR, compiled.pdr_ids[failure.entry.identity])
            return
