"""Every shape a packet can have between the gresses and at the end: which headers come out, and
whether each already lies where it has to.

Ingress's deparser and egress's parser are never run on octets. What egress extracts is bound to
what ingress emitted, header to header. Where egress may meet a header of another layout than it
extracts, because only the packet's own types would tell, such a packet is dropped and counted; a
program that extracts so whatever comes is refused. Copies enter egress as octets: to them, all that
egress extracts is payload.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from enum import Enum
from operator import itemgetter
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.walk import (
    emitted,
    expressions,
    is_catch_all,
    looks_ahead,
    mirrors,
    nested,
    octets_ahead,
)
from p4xdp.xdp.abstract import MADE, Control, Known, State, deciding_headers
from p4xdp.xdp.errors import UnsupportedProgramError

if TYPE_CHECKING:
    from collections.abc import Iterable

PAYLOAD = ""  # the source of a header extracted from behind all that ingress emitted

_IN_FRAME = 0  # somewhere
_NO_MATCH = 1
_PARTIAL = 2


class Placement(Enum):
    """Where a header that leaves lies."""

    KEPT = "kept"  # in the frame, where it has to be
    MOVED = "moved"  # in the frame, elsewhere
    MADE = "made"  # in no frame yet


@dataclass(slots=True)
class Shapes:
    """`sources`: egress header -> names of ingress headers it may be, or PAYLOAD.
    `strangers`: egress header -> names of ingress headers laid out otherwise that may stand there.
    `ingress_final` and `egress_final`: header -> all placements it may leave with.
    `certain`: gress -> identity of statement or parser state -> headers then valid for certain.
    `ahead`: identity of an egress parser state that looks ahead -> names of ingress headers that
    may come next, or PAYLOAD.
    """

    sources: dict[str, set[str]] = field(default_factory=dict)
    strangers: dict[str, set[str]] = field(default_factory=dict)
    ingress_final: dict[str, set[Placement]] = field(default_factory=dict)
    egress_final: dict[str, set[Placement]] = field(default_factory=dict)
    certain: dict[str, dict[int, frozenset[str]]] = field(default_factory=dict)
    ahead: dict[int, set[str]] = field(default_factory=dict)


def shapes_of(program: ir.Program) -> Shapes:
    """Follow every way through `program`; UnsupportedProgramError if the gresses do not fit."""
    _Check(program)
    of_copies: set[str] = set()
    if any(map(mirrors, (program.ingress, program.egress))):
        of_copies |= _Analysis(copies_of(program), set()).run().sources.keys()
    return _Analysis(program, of_copies).run()


def copies_of(program: ir.Program) -> ir.Program:
    """Return what copies go through: the program without its ingress."""
    accept = ir.ParserState("start", (), (), (ir.Select((), "accept"),))
    nothing = ir.Gress(
        name="ingress",
        headers=(),
        variables=(),
        parser=ir.Parser({"start": accept}),
        control=(),
        deparser=(),
        actions={},
        tables={},
        counters={},
        meters={},
        registers={},
        roles={},
        intrinsic=None,
        reads_parser_error=False,
    )
    return dataclasses.replace(program, ingress=nothing)


class _Check:
    """What the analysis takes for granted."""

    def __init__(self, program: ir.Program) -> None:
        for gress in (program.ingress, program.egress):
            _refuse_loops(gress)
            _refuse_odd_deparsers(gress)
        for state in program.egress.parser.states.values():
            for statement in nested(state.statements):
                if isinstance(statement, ir.Advance):
                    raise UnsupportedProgramError(
                        "advance in the egress parser is not implemented on XDP; extract a header",
                        statement.at,
                    )
        for gress in (program.ingress, program.egress):
            for state in gress.parser.states.values():
                _refuse_storing_what_is_ahead(state)


def _refuse_storing_what_is_ahead(state: ir.ParserState) -> None:
    for statement in nested(state.statements):
        if any(map(looks_ahead, expressions(statement))):
            raise UnsupportedProgramError(
                "lookahead outside select is not implemented on XDP; select on it, or extract",
                state.at,
            )


def _refuse_loops(gress: ir.Gress) -> None:
    finished: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise UnsupportedProgramError(
                f"the {gress.name} parser comes back to state {name}: loops are not implemented "
                "on XDP",
                gress.parser.states[name].at,
            )
        if name in finished or name not in gress.parser.states:
            return
        for select in gress.parser.states[name].selects:
            visit(select.next_state, (*path, name))
        finished.add(name)

    visit("start", ())


def _is_at_payload(state: State) -> bool:
    """Return whether the next extraction reads the frame and may find its end."""
    return not state.rest


def _refuse_odd_deparsers(gress: ir.Gress) -> None:
    seen: set[str] = set()
    for statement in nested(gress.deparser):
        if isinstance(statement, ir.SetValid):
            raise UnsupportedProgramError(
                "setValid or setInvalid in a deparser is not implemented on XDP",
                statement.at,
            )
        if isinstance(statement, ir.Emit):
            if statement not in gress.deparser:
                raise UnsupportedProgramError("emit inside a condition", statement.at)
            if statement.header.name in seen:
                raise UnsupportedProgramError(
                    f"{statement.header.name} is emitted twice", statement.at
                )
            seen.add(statement.header.name)
        elif seen and not _only_selects(statement):
            raise UnsupportedProgramError(
                "the deparser does more after its first emit; emit last", statement.at
            )


def _only_selects(statement: ir.Statement) -> bool:
    kinds = (ir.If, ir.MirrorPacket, ir.PackDigest)
    return all(isinstance(one, kinds) for one in nested((statement,)))


class _Analysis:
    def __init__(self, program: ir.Program, of_copies: set[str]) -> None:
        self._program = program
        self._of_copies = of_copies  # egress headers that copies have, whatever ingress emits
        self._shapes = Shapes()
        self._extractions: dict[str, ir.Position] = {}

    def run(self) -> Shapes:
        ingress = Control(self._program.ingress)
        egress = Control(self._program.egress)
        parsed = self._parse(
            self._program.ingress, ingress, {State(values=ingress.initial_values())}
        )
        decided = self._decide(self._program.ingress, ingress, parsed)
        leaving = {s for s in decided if not self._is(s, "drop_ctl", is_set=True)}
        between = {self._emit(s) for s in leaving}
        bypassing = {s for s in between if not self._is(s, "bypass_egress", is_set=False)}
        entering = {
            dataclasses.replace(s, values=egress.initial_values())
            for s in between
            if not self._is(s, "bypass_egress", is_set=True)
        }
        parsed = self._parse(self._program.egress, egress, entering)
        self._refuse_strangers_alone()
        decided = self._decide(self._program.egress, egress, parsed)
        self._shapes.certain = {"ingress": ingress.certain, "egress": egress.certain}
        self._finish(bypassing | decided)
        return self._shapes

    def _decide(self, gress: ir.Gress, control: Control, parsed: set[State]) -> set[State]:
        """Return all states behind the control. What the parser left is taken together where the
        control treats it alike: one state stands for all of a group, with the headers they share.
        """
        deciding = deciding_headers(gress)
        groups: dict[tuple[frozenset[str], frozenset[tuple[str, Known]]], set[State]] = {}
        for state in parsed:
            groups.setdefault((state.valid() & deciding, state.values), set()).add(state)
        # Behind egress nobody asks for them.
        is_ingress = gress is self._program.ingress
        roles = {role.name for role in gress.roles.values()} if is_ingress else set()
        after: set[State] = set()
        for (_, values), group in groups.items():
            shared = frozenset.intersection(*(state.valid() for state in group))
            one = State(frozenset((name, _IN_FRAME) for name in shared), values)
            ended = control.run(gress.control, {one})
            # The deparser changes nothing, but it reads.
            control.run(gress.deparser, ended)
            changes = {_change(state, roles) for state in ended}
            for kept in _enough(group, deciding, {change.removed for change in changes}):
                after |= {_changed(kept, change) for change in changes}
        return after

    def _is(self, state: State, role: str, *, is_set: bool) -> bool:
        """Return whether the role's bit 0 is known to be set (or, not `is_set`, known clear)."""
        variable = self._program.ingress.roles.get(role)
        value = 0 if variable is None else state.value(variable)
        return isinstance(value, int) and bool(value & 1) == is_set

    def _emit(self, state: State) -> State:
        names = {header.name for header in emitted(self._program.ingress)}
        leaving = frozenset(entry for entry in state.headers if entry[0] in names)
        return dataclasses.replace(state, headers=frozenset(), rest=leaving)

    def _parse(self, gress: ir.Gress, control: Control, states: set[State]) -> set[State]:
        ended: set[State] = set()
        waiting = [("start", state) for state in states]
        seen = set(waiting)
        while waiting:
            name, state = waiting.pop()
            parser_state = gress.parser.states[name]
            running = {state}
            for statement in parser_state.statements:
                ended |= self._failing(gress, statement, running)
                running = self._advance(gress, control, statement, running)
            control.observe(parser_state, running)
            if any(looks_ahead(key) for key in parser_state.keys):
                self._look_ahead(gress, parser_state, running)
                ended |= self._failed(gress, running, _PARTIAL)
            if not parser_state.selects or not is_catch_all(parser_state.selects[-1]):
                ended |= self._failed(gress, running, _NO_MATCH)
            following = {select.next_state for select in parser_state.selects}
            if "accept" in following:
                ended |= running
            fresh = {(n, s) for n in following & gress.parser.states.keys() for s in running} - seen
            seen |= fresh
            waiting += fresh
        return ended

    def _look_ahead(self, gress: ir.Gress, at: ir.ParserState, states: set[State]) -> None:
        """Note what may come next where an egress parser looks."""
        if gress.name != "egress":
            return
        octets = max(map(octets_ahead, at.keys))
        for rest in {state.rest for state in states}:
            placed = dict(rest)
            following = (h for h in emitted(self._program.ingress) if h.name in placed)
            header = next(following, None)
            if header is not None and header.type.width // 8 < octets:
                raise UnsupportedProgramError(
                    f"lookahead in the egress parser, at {octets} octets, where {header.name} of "
                    f"{header.type.width // 8} comes; look at no more than that header",
                    at.at,
                )
            name = PAYLOAD if header is None else header.name
            self._shapes.ahead.setdefault(id(at), set()).add(name)

    def _failing(self, gress: ir.Gress, statement: ir.Statement, states: set[State]) -> set[State]:
        """Return the states in which parsing ends if `statement` finds the packet too short."""
        match statement:
            case ir.Extract() if not statement.header.intrinsic:
                return self._failed(gress, filter(_is_at_payload, states), _PARTIAL)
            case ir.Advance():
                return self._failed(gress, states, _PARTIAL)
            case _:
                return set()

    def _advance(
        self, gress: ir.Gress, control: Control, statement: ir.Statement, states: set[State]
    ) -> set[State]:
        match statement:
            case ir.Extract():
                if statement.header.intrinsic:
                    return states
                extracted = (self._extract(gress, statement, s) for s in states)
                return {state for state in extracted if state is not None}
            case ir.Advance():
                octets = statement.bits // 8
                return {dataclasses.replace(s, cursor=s.cursor + octets) for s in states}
            case _:
                return control.run((statement,), states)

    def _failed(self, gress: ir.Gress, states: Iterable[State], error: int) -> set[State]:
        if gress.name == "ingress" and not gress.reads_parser_error:
            return set()  # the packet is dropped
        role = gress.roles.get("parser_err")
        if role is None:
            return set(states)
        return {state.with_value(role, error) for state in states}

    def _extract(self, gress: ir.Gress, statement: ir.Extract, state: State) -> State | None:
        """Return the state with the header, or None if a stranger stands in its place."""
        header = statement.header
        size = header.type.width // 8
        if gress.name == "egress":
            self._extractions.setdefault(header.name, statement.at)
            placed = dict(state.rest)
            for candidate in emitted(self._program.ingress):
                if candidate.name not in placed:
                    continue
                if not have_same_layout(candidate, header):
                    self._shapes.strangers.setdefault(header.name, set()).add(candidate.name)
                    return None
                self._shapes.sources.setdefault(header.name, set()).add(candidate.name)
                place = placed.pop(candidate.name)
                taken = dataclasses.replace(state, rest=frozenset(placed.items()))
                return taken.with_header(header, place)
            self._shapes.sources.setdefault(header.name, set()).add(PAYLOAD)
        moved_on = dataclasses.replace(state, cursor=state.cursor + size)
        return moved_on.with_header(header, state.cursor)

    def _refuse_strangers_alone(self) -> None:
        for wanted, given in self._shapes.strangers.items():
            if wanted not in self._shapes.sources.keys() | self._of_copies:
                raise UnsupportedProgramError(
                    f"the egress parser extracts {wanted} where ingress has emitted "
                    f"{' or '.join(sorted(given))}, which is laid out differently; emit and "
                    "extract the same header types",
                    self._extractions[wanted],
                )

    def _finish(self, states: Iterable[State]) -> None:
        leaving: list[tuple[str, int, bool, set[Placement]]] = [
            (header.name, header.type.width // 8, is_rest, set())
            for gress, is_rest in ((self._program.egress, False), (self._program.ingress, True))
            for header in emitted(gress)
        ]
        for headers, rest, cursor in {(s.headers, s.rest, s.cursor) for s in states}:
            places = (dict(headers), dict(rest))
            there = [
                (places[is_rest][name], octets, final)
                for name, octets, is_rest, final in leaving
                if name in places[is_rest]
            ]
            # Where the frame will begin, in the old one.
            at = cursor - sum(octets for _, octets, _ in there)
            for place, octets, final in there:
                final.add(placement_of(place, at))
                at += octets
        for name, _, is_rest, final in filter(itemgetter(3), leaving):
            finals = self._shapes.ingress_final if is_rest else self._shapes.egress_final
            finals[name] = final


def placement_of(place: int, wanted: int) -> Placement:
    """Return how a header at `place` (or MADE) lies to where it is wanted."""
    if place == MADE:
        return Placement.MADE
    return Placement.KEPT if place == wanted else Placement.MOVED


def _enough(
    group: set[State], deciding: frozenset[str], removals: set[frozenset[str]]
) -> Iterable[State]:
    """Return as many states of `group` as show every place that a header of it may end up at.

    Headers that decide nothing, and that go all together or not at all, move alike wherever the
    headers beside them lie alike: states that differ by such headers alone stand for each other.
    """
    together: dict[frozenset[frozenset[str]], set[str]] = {}
    for name in frozenset().union(*removals) - deciding:
        together.setdefault(frozenset(r for r in removals if name in r), set()).add(name)
    minor = max(together.values(), key=len, default=set())
    covered: dict[State, set[str]] = {}
    for state in sorted(group, key=lambda each: -len(each.headers)):
        others = frozenset(entry for entry in state.headers if entry[0] not in minor)
        seen = covered.setdefault(dataclasses.replace(state, headers=others), set())
        fresh = state.valid() - seen
        if fresh or not seen:
            seen |= state.valid() or {PAYLOAD}
            yield state


def _change(state: State, roles: set[str]) -> State:
    """Return what became of a state: what was made and removed, and what the device is told."""
    made = frozenset(entry for entry in state.headers if entry[1] == MADE)
    values = frozenset(entry for entry in state.values if entry[0] in roles)
    return State(made, values, removed=state.removed)


def _changed(state: State, change: State) -> State:
    """Return `state` after the same has become of it."""
    gone = change.removed | change.valid()
    kept = frozenset(entry for entry in state.headers if entry[0] not in gone)
    return dataclasses.replace(state, headers=kept | change.headers, values=change.values)


def have_same_layout(given: ir.Header, wanted: ir.Header) -> bool:
    """Return whether two headers have the same fields, by width."""
    return [f.width for f in given.type.fields] == [f.width for f in wanted.type.fields]
