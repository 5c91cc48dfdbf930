"""What the likely ways through a program are made of: points where ways may meet, the steps from
there on, and how each point ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from p4xdp import ir
from p4xdp.xdp.facts import Facts

LIKELY, UNLIKELY = "likely", "unlikely"


class TooHardError(Exception):
    """These ways cannot be gone apart from the others."""


# --- what is done ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """What an entry of a constant table does: an action with its arguments."""

    body: tuple[ir.Statement, ...]
    arguments: tuple[int, ...]
    is_likely: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """As ir.If, in constant tables."""

    condition: ir.Expression
    then: tuple[Item, ...]
    otherwise: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Unlikely:
    """Here the likely ways end."""


@dataclass(frozen=True, slots=True)
class Take:
    """The egress parser extracts `header`, which ingress emitted as `source`."""

    header: ir.Header
    source: ir.Header


class Device(Enum):
    """What the device does between a program's blocks."""

    START_CLOCK = "the gress reads the clock"
    DROP = "the packet is dropped, if the program says so and asks for nothing else"
    DROP_AT_LAST = "the packet is dropped, if the program says so"
    CHOOSE_PORT = "ingress's choice of a port holds"
    MEASURE = "egress is told the packet's length"


Item: TypeAlias = ir.Statement | Run | Choice | Unlikely
Done: TypeAlias = ir.Statement | Take | Device


@dataclass(frozen=True, slots=True)
class Step:
    """Something done to a packet of which `facts` are known, in an action with `arguments`."""

    done: Done
    facts: Facts
    arguments: tuple[int, ...] | None = None


class Stage(Enum):
    """Behind a block."""

    INGRESS_DECIDED = "ingress control"
    INGRESS_DEPARSED = "ingress deparser"
    EGRESS_DECIDED = "egress control"
    EGRESS_DEPARSED = "egress deparser"


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """Statements still to be run: `items` from `at` on, then what is `following`. `is_sure`: if
    this is where the packet commits itself, it has been seen to that it may.
    """

    gress: str
    items: tuple[Item, ...]
    at: int
    following: Place
    is_sure: bool = False


@dataclass(frozen=True, slots=True)
class Parsed:
    """At the beginning of a parser state."""

    gress: str
    state: str


Place: TypeAlias = "Cell | Stage | Parsed"


# --- the graph ------------------------------------------------------------------------------------


@dataclass(eq=False, slots=True)
class Point:
    """Where ways may meet: `steps`, then `end`. `octets` are those that its headers need to be in
    the frame.
    """

    place: Place
    facts: Facts
    steps: list[Step] = field(default_factory=list)
    end: End | None = None
    octets: int = 0
    is_live: bool = False


@dataclass(frozen=True, slots=True)
class Fork:
    """On one way if `condition` holds, else on the other."""

    condition: ir.Expression
    facts: Facts
    then: Point | None
    otherwise: Point | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What may come of a table: an action, run on a packet of which `facts` are known, and how it
    goes on. `arguments` are known of a constant default action.
    """

    steps: tuple[Step, ...]
    following: Point | None


@dataclass(frozen=True, slots=True)
class Lookup:
    """By the entry that a table has: `hits` and `misses` by action."""

    statement: ir.Apply
    facts: Facts
    hits: Mapping[str, Outcome]
    misses: Mapping[str, Outcome]


@dataclass(frozen=True, slots=True)
class Selection:
    """By the select of a parser state that fits first, an outcome each."""

    state: ir.ParserState
    facts: Facts
    following: tuple[Point | None, ...]


@dataclass(frozen=True, slots=True)
class Onward:
    """On to where others may come from too."""

    following: Point | None


@dataclass(frozen=True, slots=True)
class Leave:
    """The packet leaves."""

    facts: Facts


@dataclass(frozen=True, slots=True)
class Dropped:
    """The packet is dropped."""


End: TypeAlias = Fork | Lookup | Selection | Onward | Leave | Dropped


def following(end: End | None) -> tuple[Point | None, ...]:
    """Return where a point may lead; None is off the likely ways."""
    match end:
        case Fork():
            return end.then, end.otherwise
        case Lookup():
            outcomes = (*end.hits.values(), *end.misses.values())
            return tuple(outcome.following for outcome in outcomes)
        case Selection():
            return end.following
        case Onward():
            return (end.following,)
        case _:
            return ()


def is_called(annotations: Iterable[ir.Annotation], name: str) -> bool:
    """Return whether one of the annotations is `name`."""
    return any(annotation.name == name for annotation in annotations)


def likely_actions(table: ir.Table) -> frozenset[str]:
    """Return the actions that the table's list calls likely: all if it calls none so."""
    named = [one.action for one in table.actions if is_called(one.annotations, LIKELY)]
    return frozenset(named or (one.action for one in table.actions))


def decided(gress: str) -> Stage:
    """Return the stage behind a gress's control."""
    return Stage[f"{gress.upper()}_DECIDED"]


def deparsed(gress: str) -> Stage:
    """Return the stage behind a gress's deparser."""
    return Stage[f"{gress.upper()}_DEPARSED"]
