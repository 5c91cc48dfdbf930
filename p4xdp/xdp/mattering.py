"""What matters at each place of a program, for all that follows it there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.xdp.points import Cell, Choice, Item, Parsed, Place, Run, Stage, Unlikely
from p4xdp.xdp.relevance import NOTHING, Uses, uses_of, uses_of_state

if TYPE_CHECKING:
    from collections.abc import Mapping

    from p4xdp.xdp.facts import Name
    from p4xdp.xdp.relevance import Compared
    from p4xdp.xdp.shapes import Shapes

_ROLES = ("drop_ctl", "bypass_egress", "mirror_type", "digest_type")


class UsesOfPlaces:
    """What matters at the places of one program."""

    def __init__(self, program: ir.Program, shapes: Shapes) -> None:
        self._gresses = {"ingress": program.ingress, "egress": program.egress}
        self._of_cells: dict[int, tuple[Cell, Uses]] = {}
        self._of_items: dict[int, tuple[Item, Uses]] = {}
        self._relevant: dict[int, tuple[Place, Mapping[Name, Compared]]] = {}
        self._shapes = shapes
        egress, ingress = program.egress, program.ingress
        behind = self._behind(egress)
        self._parsed = {"egress": uses_of(egress, egress.control).joined(behind)}
        self._of_states: dict[Parsed, Uses] = {}
        decided = self._behind(ingress).joined(self._of_state(Parsed("egress", "start")))
        self._parsed["ingress"] = uses_of(ingress, ingress.control).joined(decided)
        self._fixed = {
            Stage.EGRESS_DEPARSED: NOTHING,
            Stage.EGRESS_DECIDED: behind,
            Stage.INGRESS_DEPARSED: decided,
            Stage.INGRESS_DECIDED: decided,
        }

    def _of_state(self, place: Parsed) -> Uses:
        if place not in self._of_states:
            gress = self._gresses[place.gress]
            state = gress.parser.states[place.state]
            found = uses_of_state(gress, state, self._shapes, self._gresses["ingress"])
            for following in {select.next_state for select in state.selects}:
                if following in gress.parser.states:
                    found = found.joined(self._of_state(Parsed(place.gress, following)))
            self._of_states[place] = found.joined(self._parsed[place.gress])
        return self._of_states[place]

    def _behind(self, gress: ir.Gress) -> Uses:
        roles = [gress.roles[role] for role in _ROLES if role in gress.roles]
        read: dict[Name, Compared] = {(gress.name, "", role.name): None for role in roles}
        return uses_of(gress, gress.deparser).joined(Uses(read, frozenset()))

    def relevant(self, place: Place) -> Mapping[Name, Compared]:
        """Return what matters at `place`."""
        known = self._relevant.get(id(place))
        if known is None:
            known = place, self._uses(place).relevant()
            self._relevant[id(place)] = known
        return known[1]

    def _uses(self, place: Place) -> Uses:
        if isinstance(place, Parsed):
            return self._of_state(place)
        if isinstance(place, Stage):
            return self._fixed[place]
        known = self._of_cells.get(id(place))
        if known is None:
            rest = place.items[place.at :]
            found = self._uses(place.following)
            for item in rest:
                found = found.joined(self._of(item, place.gress))
            known = place, found
            self._of_cells[id(place)] = known
        return known[1]

    def _of(self, item: Item, gress: str) -> Uses:
        known = self._of_items.get(id(item))
        if known is None:
            known = item, self._found(item, self._gresses[gress])
            self._of_items[id(item)] = known
        return known[1]

    def _found(self, item: Item, gress: ir.Gress) -> Uses:
        match item:
            case Run():
                return uses_of(gress, item.body)
            case Choice():
                found = uses_of(gress, (ir.If(item.condition, ()),))
                for one in (*item.then, *item.otherwise):
                    found = found.joined(self._of(one, gress.name))
                return found
            case Unlikely():
                return NOTHING
            case _:
                return uses_of(gress, (item,))
