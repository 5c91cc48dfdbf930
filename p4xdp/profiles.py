"""Action profiles and selectors in terms of tables, which is all that those who run a program know.

A table with an implementation holds for each entry which member of the profile it has, or which
group. The members are the entries of a table of the profile's name, by member; a group's are those
of a second table, by group and bucket. Each bucket has one member, so that a packet's hash chooses
among as many members as the group has, as evenly as the buckets can be shared.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.dataplane import Entry, Match

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ID_BITS = 33  # 32 for those of clients; those with the highest bit are of one-shot action sets
_OF_ACTION_SET = 1 << (ID_BITS - 1)
_BUCKETS_A_MEMBER = 4  # at least, of the largest group
_MOST_BUCKETS = 1024


def set_member(profile: str) -> str:
    """Return the action of entries that have a member."""
    return f"{profile}.$member"


def set_group(table: str) -> str:
    """Return the action of entries that have a group."""
    return f"{table}.$group"


def buckets_table(profile: str) -> str:
    """Return the table of the buckets of a profile's groups."""
    return f"{profile}.$buckets"


def buckets_of(max_group_size: int) -> int:
    """Return how many buckets a group has: a power of two, 4 at least."""
    wanted = min(max(1, max_group_size) * _BUCKETS_A_MEMBER, _MOST_BUCKETS)
    return 1 << (wanted - 1).bit_length()


def member_entry(member: int, action: str, arguments: tuple[int, ...]) -> Entry:
    """Return the entry that a member is in the profile's table."""
    return Entry((_exact(member, ID_BITS),), action, arguments)


def bucket_entries(profile: str, group: int, members: Sequence[int], buckets: int) -> list[Entry]:
    """Return the entries that a group is in the table of buckets; none if it has no members."""
    bits = (buckets - 1).bit_length()
    return [
        Entry(
            (_exact(group, ID_BITS), _exact(bucket, bits)),
            set_member(profile),
            (members[bucket % len(members)],),
        )
        for bucket in (range(buckets) if members else ())
    ]


def is_of_action_set(number: int) -> bool:
    """Return whether a member or group belongs to a one-shot action set, and to no client."""
    return number >= _OF_ACTION_SET


def action_set_numbers() -> Iterable[int]:
    """Yield the numbers that action sets may have."""
    return range(_OF_ACTION_SET, 2 * _OF_ACTION_SET)


def member_of_action_set(number: int, position: int, max_group_size: int) -> int:
    """Return the number of the member at `position` in a set of at most `max_group_size`."""
    return _OF_ACTION_SET + (number - _OF_ACTION_SET) * max_group_size + position


def action_set_of_member(member: int, max_group_size: int) -> int:
    """Return the number of the set that a member belongs to."""
    return _OF_ACTION_SET + (member - _OF_ACTION_SET) // max_group_size


def _exact(value: int, width: int) -> Match:
    return Match(value, (1 << width) - 1)


def lowered(program: ir.Program) -> ir.Program:
    """Return the program without profiles and selectors."""
    gresses = [_Lowering(one).run() for one in (program.ingress, program.egress)]
    return dataclasses.replace(program, ingress=gresses[0], egress=gresses[1])


class _Lowering:
    def __init__(self, gress: ir.Gress) -> None:
        self._gress = gress
        self._variables: dict[str, ir.Variable] = {}
        self._actions = dict(gress.actions)
        self._tables: dict[str, ir.Table] = {}

    def run(self) -> ir.Gress:
        """Return the gress without profiles and selectors."""
        gress = self._gress
        if not gress.profiles:
            return gress
        used = {table.implementation for table in gress.tables.values()}
        for profile in gress.profiles.values():
            if profile.name not in used:
                continue
            self._add_members(profile)
            if profile.selector is not None:
                self._add_buckets(profile, profile.selector)
        for table in gress.tables.values():
            self._tables[table.name] = self._table(table)
        control = self._statements(gress.control)
        return dataclasses.replace(
            gress,
            control=control,
            variables=(*gress.variables, *self._variables.values()),
            actions=self._actions,
            tables=self._tables,
            profiles={},
        )

    def _read(self, profile: ir.ActionProfile, what: str, width: int = 1) -> ir.Read:
        name = f"{profile.name}.{what}"
        return ir.Read(self._variables.setdefault(name, ir.Variable(name, width)))

    def _add_members(self, profile: ir.ActionProfile) -> None:
        user = next(t for t in self._gress.tables.values() if t.implementation == profile.name)
        member = self._read(profile, "member", ID_BITS)
        key = ir.Key("member", member, ir.MatchKind.EXACT)
        rows = [ref for ref in user.actions if not ref.default_only]
        self._add_table(profile.name, (key,), rows, profile.size)
        name = set_member(profile.name)
        body = (
            ir.Assign(member, ir.Param("member", 0, ID_BITS)),
            ir.Assign(self._read(profile, "has_member"), ir.Const(1, 1)),
        )
        self._actions[name] = ir.Action(name, (("member", ID_BITS),), body)

    def _add_buckets(self, profile: ir.ActionProfile, selector: ir.Selector) -> None:
        buckets = buckets_of(selector.max_group_size)
        keys = (
            ir.Key("group", self._read(profile, "group", ID_BITS), ir.MatchKind.EXACT),
            ir.Key("bucket", self._bucket(profile, selector), ir.MatchKind.EXACT),
        )
        rows = [ir.ActionRef(set_member(profile.name))]
        self._add_table(buckets_table(profile.name), keys, rows, selector.num_groups * buckets)

    def _bucket(self, profile: ir.ActionProfile, selector: ir.Selector) -> ir.Read:
        width = (buckets_of(selector.max_group_size) - 1).bit_length()
        return self._read(profile, "bucket", width)

    def _add_table(
        self, name: str, keys: tuple[ir.Key, ...], rows: Iterable[ir.ActionRef], size: int
    ) -> None:
        nothing = f"{name}.$nothing"
        self._actions[nothing] = ir.Action(nothing, (), ())
        self._tables[name] = ir.Table(
            name=name,
            keys=keys,
            actions=(*rows, ir.ActionRef(nothing, default_only=True)),
            default_action=nothing,
            default_arguments=(),
            is_default_const=True,
            size=size,
        )

    def _table(self, table: ir.Table) -> ir.Table:
        """Return a table whose entries name a member or a group; its default action stays."""
        if table.implementation is None:
            return table
        profile = self._gress.profiles[table.implementation]
        rows = [ir.ActionRef(set_member(profile.name), table_only=True)]
        if profile.selector is not None:
            rows.append(ir.ActionRef(set_group(table.name), table_only=True))
            self._add_set_group(table, profile, profile.selector)
        defaults = [
            dataclasses.replace(ref, default_only=True)
            for ref in table.actions
            if not ref.table_only
        ]
        keys = tuple(key for key in table.keys if key.match_kind is not ir.MatchKind.SELECTOR)
        return dataclasses.replace(
            table, keys=keys, actions=(*rows, *defaults), implementation=None
        )

    def _add_set_group(
        self, table: ir.Table, profile: ir.ActionProfile, selector: ir.Selector
    ) -> None:
        bucket = self._bucket(profile, selector)
        fields = tuple(
            key.expression for key in table.keys if key.match_kind is ir.MatchKind.SELECTOR
        )
        width = min(bucket.width, selector.width)
        name = set_group(table.name)
        body: tuple[ir.Statement, ...] = (
            ir.Assign(self._read(profile, "group", ID_BITS), ir.Param("group", 0, ID_BITS)),
            ir.Assign(self._read(profile, "has_group"), ir.Const(1, 1)),
            ir.ComputeHash(bucket, selector.algorithm, fields, width, table.at),
        )
        self._actions[name] = ir.Action(name, (("group", ID_BITS),), body, at=table.at)

    # --- applying ---

    def _statements(self, body: Sequence[ir.Statement]) -> tuple[ir.Statement, ...]:
        return tuple(one for statement in body for one in self._statement(statement))

    def _statement(self, node: ir.Statement) -> list[ir.Statement]:
        match node:
            case ir.If():
                then, otherwise = self._statements(node.then), self._statements(node.otherwise)
                return [dataclasses.replace(node, then=then, otherwise=otherwise)]
            case ir.CallAction():
                return [dataclasses.replace(node, body=self._statements(node.body))]
            case ir.Apply():
                cases = tuple((name, self._statements(body)) for name, body in node.cases)
                applied = dataclasses.replace(
                    node, cases=cases, default_case=self._statements(node.default_case)
                )
                return self._apply(applied)
            case _:
                return [node]

    def _apply(self, node: ir.Apply) -> list[ir.Statement]:
        table = self._gress.tables[node.table]
        if table.implementation is None:
            return [node]
        profile = self._gress.profiles[table.implementation]
        # A miss runs the default action here, a hit only notes whom it has.
        named = dict(node.cases)
        bodies = (
            (ref.action, named.get(ref.action, node.default_case))
            for ref in table.actions
            if not ref.table_only
        )
        missed = tuple((action, body) for action, body in bodies if body)
        looked_up = dataclasses.replace(node, cases=missed, default_case=())
        has_member = self._read(profile, "has_member")
        rows = {ref.action for ref in table.actions if not ref.default_only}
        cases = tuple((action, body) for action, body in node.cases if action in rows)
        chosen = dataclasses.replace(node, table=profile.name, hit=None, cases=cases)
        result: list[ir.Statement] = [ir.Assign(has_member, ir.Const(0, 1), node.at), looked_up]
        if profile.selector is not None:
            has_group = self._read(profile, "has_group")
            choice = ir.Apply(buckets_table(profile.name), at=node.at)
            result.insert(0, ir.Assign(has_group, ir.Const(0, 1), node.at))
            result.append(ir.If(has_group, (choice,), (), node.at))
        return [*result, ir.If(has_member, (chosen,), (), node.at)]
