"""What a program goes on with of the one before it: maps they have in common, and what is written
into those that they have not, as far as it means the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.dataplane import TableFullError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from p4xdp.dataplane import Entry
    from p4xdp.xdp.manifest import ArrayInfo, Manifest, RegisterInfo, TableInfo
    from p4xdp.xdp.programs import Program, Running

# What every program has for itself: where its own code leads to, and what it computes with.
_OWN_MAPS = frozenset({"switch_programs", "switch_scratch", "switch_recirculated"})


def common_of(before: Running, program: Program) -> set[str]:
    """Return the tables, counters, meters and registers that are the same in both."""
    old, new = _parts(before.manifest), _parts(program.manifest)
    sizes = program.sizes
    same = {n for n in old.keys() & new.keys() if old[n] == new[n]}
    same = {n for n in same if before.sizes.get(n) == sizes.get(n)}
    # The entries of a table name their cells of its direct counter and meter: all or nothing.
    for manifest in (before.manifest, program.manifest):
        for name, array in [*manifest.counters.items(), *manifest.meters.items()]:
            if array.table is not None and not {name, array.table} <= same:
                same -= {name, array.table}
    return same


def _parts(manifest: Manifest) -> dict[str, TableInfo | ArrayInfo | RegisterInfo]:
    return {**manifest.tables, **_arrays(manifest)}


def _arrays(manifest: Manifest) -> dict[str, ArrayInfo | RegisterInfo]:
    return {**manifest.counters, **manifest.meters, **manifest.registers}


def names_of(manifest: Manifest) -> set[str]:
    """Return the names of all tables, counters, meters and registers."""
    return set(_parts(manifest))


def symbols_of(manifest: Manifest, names: Iterable[str]) -> set[str]:
    """Return the maps of what is called so."""
    symbols = set()
    arrays = _arrays(manifest)
    for name in names:
        if name in arrays:
            symbols.add(arrays[name].symbol)
            continue
        layout = manifest.tables[name].layout
        symbols |= {f"{layout.symbol}{end}" for end in ("", "_banks", "_groups", "_hits")}
        if layout.defaults is not None:
            symbols.add(layout.defaults)
    return symbols


def is_the_switchs(map_name: str) -> bool:
    """Return whether a map belongs to the switch, whatever program it runs."""
    return map_name.startswith("switch_") and map_name not in _OWN_MAPS


def take_along(before: Running, after: Running, common: set[str]) -> None:
    """Write into `after` what it has not in common with `before`, and note what is lost."""
    for name, info in before.manifest.tables.items():
        if name not in common and info.entries is None:
            after.lost += _copy_table(name, before, after)
    for name, meter in before.manifest.meters.items():
        if name not in common and meter.table is None:
            after.lost += _copy_meter(name, before, after)
    counted = {**before.manifest.counters, **before.manifest.registers}
    kept = {**after.manifest.counters, **after.manifest.registers}
    after.lost += [
        f"the cells of {name}"
        for name, array in counted.items()
        if name in kept and name not in common and getattr(array, "table", None) is None
    ]


def _copy_table(name: str, before: Running, after: Running) -> list[str]:
    old, info = before.contents.table(name), before.manifest.tables[name]
    entries = list(old.entries())
    default = old.default()
    new_info = after.manifest.tables.get(name)
    if new_info is None or new_info.entries is not None:
        return [f"{len(entries)} entries of {name}"] if entries else []
    new = after.contents.table(name)
    lost = []
    fitting = [entry for entry in entries if _fits(entry, info, new_info)]
    try:
        new.insert(fitting)
    except TableFullError:
        fitting = []
    if len(fitting) < len(entries):
        lost.append(f"{len(entries) - len(fitting)} entries of {name}")
    if default != (info.default_action, info.default_arguments):
        if new_info.layout.defaults is not None and _has_action(new_info, info, default[0]):
            new.set_default(*default)
        else:
            lost.append(f"the default action of {name}")
    for entry in fitting:
        _copy_direct(name, entry, before, after)
    return lost


def _copy_direct(name: str, entry: Entry, before: Running, after: Running) -> None:
    old, new = before.contents.table(name).direct, after.contents.table(name).direct
    if old is None or new is None:
        return
    if old.counter is not None and new.counter is not None:
        counter, cell = before.contents.direct_counter(name, entry)
        to, to_cell = after.contents.direct_counter(name, entry)
        to.write(to_cell, counter.read(cell, 1)[0])
    if old.meter is not None and new.meter is not None:
        meter, cell = before.contents.direct_meter(name, entry)
        to_meter, to_cell = after.contents.direct_meter(name, entry)
        to_meter.write(to_cell, meter.config(cell))


def _copy_meter(name: str, before: Running, after: Running) -> list[str]:
    configs = before.contents.meter(name).configs()
    if not configs:
        return []
    lost = [f"the configuration of {name}"]
    old, new = before.manifest.meters[name], after.manifest.meters.get(name)
    if new is None or new.table is not None or new.unit != old.unit:
        return lost
    to = after.contents.meter(name)
    if max(configs) >= to.size:
        return lost
    for index, config in configs.items():
        to.write(index, config)
    return []


def _fits(entry: Entry, old: TableInfo, new: TableInfo) -> bool:
    """Return whether an entry means in the new table what it meant in the old one."""
    widths = [{slot.name: slot.width for slot in info.layout.keys} for info in (old, new)]
    return (
        old.key_order == new.key_order
        and old.match_kinds == new.match_kinds
        and widths[0] == widths[1]
        and _has_action(new, old, entry.action)
    )


def _has_action(new: TableInfo, old: TableInfo, action: str) -> bool:
    shapes = [
        [(slot.name, slot.width) for slot in each.params]
        for info in (old, new)
        for each in info.layout.actions
        if each.name == action
    ]
    return len(shapes) == 2 and shapes[0] == shapes[1]
