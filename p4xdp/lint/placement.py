"""Units into stages, as a compiler would: what has the longest way still to go comes first.

A table that does not fit what is left of a stage goes on in the next; an indexed counter or meter
cannot, and all that use it stand in one stage. Ingress and egress share the stages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

from p4xdp.lint.depth import levels
from p4xdp.lint.hints import less, shares
from p4xdp.lint.memory import NOTHING, Blocks, is_ternary, key_bits
from p4xdp.lint.units import Unit, are_exclusive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from p4xdp.lint.depth import Need
    from p4xdp.lint.target import Target

_MAX_STAGES = 64
_LEAST_SHARE = 16  # SRAMs; p4c does not begin a table for less


@dataclass(slots=True)
class Stage:
    """What a stage holds."""

    srams: int = 0
    tcams: int = 0
    map_rams: int = 0
    largest_array: int = 0  # in map RAMs
    logical_tables: int = 0
    ternary_tables: int = 0
    counters: int = 0
    meters: int = 0
    exact_key_bytes: int = 0
    units: list[Unit] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Job:
    """A unit on its way into stages. `first` and `last` are its stages once it is in."""

    unit: Unit
    table: Blocks  # may go on in the next stage
    externs: Blocks  # must not
    counters: int
    meters: int
    is_merged: bool  # a gateway in front of a table takes no place of its own
    shares: dict[int, Blocks]  # by stage, where the program says so (`@stage`)
    tail: int = 0
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """What a unit wants: its table's blocks, and those of the indexed externs it is charged for."""

    table: Blocks = NOTHING
    externs: Blocks = NOTHING
    counters: int = 0
    meters: int = 0


@dataclass(frozen=True, slots=True)
class Placement:
    """Stages from 0, and for each unit (by id) the stages it is in."""

    stages: list[Stage]
    where: dict[int, tuple[int, ...]]


def place(
    gresses: Sequence[tuple[Sequence[Unit], Sequence[Need]]],
    demands: Mapping[int, Demand],
    target: Target,
) -> Placement:
    """Place the units of both gresses. `demands` are by id of the unit.

    What is not in by stage 64 is left out.
    """
    jobs: list[_Job] = []
    waits: dict[int, list[tuple[_Job, int]]] = {}
    for units, needs in gresses:
        own = _jobs(units, needs, demands)
        for need in needs:
            waits.setdefault(id(own[need.later]), []).append((own[need.earlier], need.stages))
        jobs += own
    groups = _groups(jobs)
    waiting = sorted(jobs, key=lambda job: -job.tail)
    stages: list[Stage] = []
    where: dict[int, list[int]] = {id(job.unit): [] for job in jobs}
    while waiting and len(stages) < _MAX_STAGES:
        stage = Stage()
        stages.append(stage)
        waiting = _fill(stage, len(stages) - 1, waiting, waits, groups, where, target)
    while stages and not stages[-1].units:
        stages.pop()
    return Placement(stages, {key: tuple(numbers) for key, numbers in where.items()})


def _jobs(
    units: Sequence[Unit], needs: Sequence[Need], demands: Mapping[int, Demand]
) -> list[_Job]:
    guards = {id(unit.after[-1]) for unit in units if unit.after and not unit.is_gateway}
    jobs = []
    for unit in units:
        demand = demands.get(id(unit), Demand())
        merged = unit.is_gateway and id(unit) in guards
        jobs.append(
            _Job(
                unit,
                demand.table,
                demand.externs,
                demand.counters,
                demand.meters,
                merged,
                shares(unit, demand.table),
            )
        )
    for need in sorted(needs, key=lambda one: -one.later):
        earlier, later = jobs[need.earlier], jobs[need.later]
        earlier.tail = max(earlier.tail, later.tail + need.stages)
    return jobs


def _groups(jobs: Sequence[_Job]) -> dict[int, list[_Job]]:
    """Return for each job those that must share its stage, as they use the same extern.

    Only uses that exclude each other are one; others are an error that is told elsewhere.
    """
    groups: dict[int, list[_Job]] = {}
    for one, other in combinations(jobs, 2):
        shared = set(one.unit.externs) & set(other.unit.externs)
        if shared - _direct_externs(one.unit) and are_exclusive(one.unit, other.unit):
            both = groups.get(id(one), [one])
            both = both + [job for job in groups.get(id(other), [other]) if job not in both]
            for job in both:
                groups[id(job)] = both
    return groups


def _direct_externs(unit: Unit) -> set[str | None]:
    return set() if unit.table is None else {unit.table.direct_counter, unit.table.direct_meter}


def _fill(
    stage: Stage,
    number: int,
    waiting: Sequence[_Job],
    waits: Mapping[int, list[tuple[_Job, int]]],
    groups: Mapping[int, list[_Job]],
    where: Mapping[int, list[int]],
    target: Target,
) -> list[_Job]:
    """Put into a stage what may and can stand there; return what still waits."""
    left = list(waiting)
    changed = True
    while changed:
        changed = False
        # What the program puts here comes first; tables larger than a stage fill what others leave.
        for job in sorted(left, key=lambda job: _turn(job, number, target)):
            group = groups.get(id(job), [job])
            if number in where[id(job.unit)] or _belongs_elsewhere(job, number):
                continue
            if not all(_is_ready(one, number, waits, group) for one in group):
                continue
            kept = sum(
                _turn(one, number, target) == 2
                and number not in where[id(one.unit)]
                and _is_ready(one, number, waits, [one])
                for one in left
                if one not in group
            )
            if stage.logical_tables + len(group) + kept > target.logical_tables_per_stage:
                continue
            if all(_put(one, stage, number, target) for one in group):
                changed = True
                for one in group:
                    where[id(one.unit)].append(number)
                    stage.units.append(one.unit)
                    if one.last is not None:
                        left.remove(one)
                break  # what may go in now may be more urgent than what comes next
    return left


def _turn(job: _Job, number: int, target: Target) -> int:
    if number in job.shares:
        return 0
    return 2 if job.table.srams > target.table_srams_per_stage else 1


def _belongs_elsewhere(job: _Job, number: int) -> bool:
    """Return whether the program names other stages, and the last of them is still to come."""
    return bool(job.shares) and number not in job.shares and number < max(job.shares)


def _is_ready(
    job: _Job,
    number: int,
    waits: Mapping[int, list[tuple[_Job, int]]],
    group: Sequence[_Job],
) -> bool:
    for earlier, stages in waits.get(id(job), []):
        if any(earlier is one for one in group) and stages == 0:
            continue
        if earlier.last is None or earlier.last > number - stages:
            return False
    return True


def _put(job: _Job, stage: Stage, number: int, target: Target) -> bool:
    """Take what the job wants of a stage, or of a table as much as is left."""
    if not _has_room(job, stage, target):
        return False
    share = _share(job, stage, target, number)
    if share is None:
        return False
    stage.srams += share.srams + job.externs.srams
    stage.tcams += share.tcams
    stage.map_rams += share.map_rams + job.externs.map_rams
    stage.largest_array = max(stage.largest_array, job.externs.map_rams)
    stage.logical_tables += 0 if job.is_merged else 1
    stage.ternary_tables += 1 if share.tcams else 0
    stage.counters += job.counters
    stage.meters += job.meters
    stage.exact_key_bytes += _exact_key_bytes(job.unit)
    job.table = less(job.table, share)
    job.externs, job.counters, job.meters = NOTHING, 0, 0
    if job.first is None:
        job.first = number
    if job.table == NOTHING:
        job.last = number
    return True


def _has_room(job: _Job, stage: Stage, target: Target) -> bool:
    is_first = not stage.units
    return is_first or (
        (job.is_merged or stage.logical_tables < target.logical_tables_per_stage)
        and stage.ternary_tables + bool(job.table.tcams) <= target.ternary_tables_per_stage
        and stage.counters + job.counters <= target.counters_per_stage
        and stage.meters + job.meters <= target.meters_per_stage
        and stage.exact_key_bytes + _exact_key_bytes(job.unit) <= target.exact_key_bytes_per_stage
    )


def _exact_key_bytes(unit: Unit) -> int:
    if unit.table is None or is_ternary(unit.table):
        return 0
    return (key_bits(unit.table) + 7) // 8


def _share(job: _Job, stage: Stage, target: Target, number: int) -> Blocks | None:
    """Return what of a table fits now, None if too little. Externs come whole or not at all."""
    srams = target.srams_per_stage - stage.srams - job.externs.srams
    map_rams = _array_map_rams(job, stage, target) - stage.map_rams - job.externs.map_rams
    tcams = target.tcams_per_stage - stage.tcams
    wanted = job.shares.get(number, job.table)
    if not stage.units and job.externs != NOTHING and (srams < 0 or map_rams < 0):
        # It fits no stage at all; that is told elsewhere. Let the rest be placed.
        return wanted
    if srams < 0 or map_rams < 0:
        return None
    if wanted.srams <= srams and wanted.tcams <= tcams and wanted.map_rams <= map_rams:
        return wanted
    srams = min(srams, target.table_srams_per_stage)
    map_rams = min(map_rams, target.direct_map_rams)
    pairs = ((srams, wanted.srams), (tcams, wanted.tcams), (map_rams, wanted.map_rams))
    part = min(free / want for free, want in pairs if want)
    taken = Blocks(int(wanted.srams * part), int(wanted.tcams * part), int(wanted.map_rams * part))
    is_worth_it = taken.srams >= _LEAST_SHARE if wanted.tcams == 0 else taken.tcams > 0
    return taken if is_worth_it else None


def _array_map_rams(job: _Job, stage: Stage, target: Target) -> int:
    largest = max(stage.largest_array, job.externs.map_rams)
    rest = stage.map_rams + job.externs.map_rams - largest
    if rest <= target.tiny_array_map_rams or largest <= target.small_array_map_rams:
        return target.array_map_rams_at_most
    return target.array_map_rams_per_stage


def dependency_stages(units: Sequence[Unit], needs: Sequence[Need]) -> int:
    """Return how many stages the order alone takes."""
    return max(levels(units, needs), default=-1) + 1
