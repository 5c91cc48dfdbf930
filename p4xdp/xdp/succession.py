"""Programs as they follow one another in a switch: taken over from an earlier process, loaded anew,
or put in the place of another with what both have in common.

A table, counter, meter or register that is the same in both keeps its map, and packets notice
nothing. Of a table that is not, the entries that still make sense are written into the new one.
What cannot go on is told.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from p4xdp.dataplane import DataplaneError
from p4xdp.xdp import bpffs
from p4xdp.xdp.contents import Contents
from p4xdp.xdp.inheritance import (
    common_of,
    is_the_switchs,
    names_of,
    symbols_of,
    take_along,
)
from p4xdp.xdp.manifest import parse_manifest
from p4xdp.xdp.programs import Running

if TYPE_CHECKING:
    from pathlib import Path

    from p4xdp.xdp.home import Home
    from p4xdp.xdp.objects import Object
    from p4xdp.xdp.programs import Program

_logger = logging.getLogger(__name__)

_KIND, _CURRENT = "program", "current"  # kept


def bring_up(program: Program, home: Home, num_interfaces: int) -> Running:
    """Take over what runs in `home` if it is `program`; else load that, with what can go on of it.

    Packets are still dealt with by what was there before; `commit` is next.
    """
    before = _held(home)
    if before is None:
        return start(program, num_interfaces)
    if before.identity == program.identity() and before.num_interfaces >= num_interfaces:
        return before
    try:
        return follow(program, before, max(num_interfaces, before.num_interfaces))
    finally:
        before.close()


def start(program: Program, num_interfaces: int) -> Running:
    """Load a program as it is at its start."""
    loaded, _ = program.load(num_interfaces, {})
    return _begun(program, loaded, num_interfaces, set())


def follow(
    program: Program, before: Running, num_interfaces: int, *, keeps: bool = True
) -> Running:
    """Load a program with what it has in common with the one `before`, or, if it `keeps` nothing,
    as it is at its start: what belongs to the switch is kept even then.
    """
    common = common_of(before, program) if keeps else set()
    symbols = symbols_of(before.manifest, common)
    names = [name for name in before.map_names if name in symbols or is_the_switchs(name)]
    shared = {name: before.loaded.map_fd(name) for name in names}
    loaded, new = program.load(num_interfaces, shared)
    # A map of another form is another thing, whatever its name.
    common -= {name for name in common if symbols_of(before.manifest, {name}) & new}
    running = _begun(program, loaded, num_interfaces, common)
    try:
        if keeps:
            take_along(before, running, common)
    except BaseException:
        running.close()
        raise
    return running


def commit(running: Running, program: Program, home: Home) -> None:
    """Pin a program and note that it is the one: what is interrupted before never was."""
    if home.pins is None or running.is_taken_over:
        return
    directory = home.pins / running.identity
    bpffs.remove(directory)
    directory.mkdir()
    for name in program.programs():
        bpffs.pin(running.loaded.program_fd(name), bpffs.program_pin(directory, name))
    for name in running.map_names:
        bpffs.pin(running.loaded.map_fd(name), bpffs.map_pin(directory, name))
    note = {
        "identity": running.identity,
        "manifest": json.loads(program.manifest_text),
        "sizes": running.sizes,
        "num_interfaces": running.num_interfaces,
        "maps": running.map_names,
    }
    home.kept.put(_KIND, _CURRENT, json.dumps(note).encode())


def forget_others(running: Running, home: Home) -> None:
    """Unpin all programs but this one."""
    if home.pins is not None:
        for directory in home.pins.iterdir():
            if directory.name not in (running.identity, "links"):
                bpffs.remove(directory)


def _begun(program: Program, loaded: Object, num_interfaces: int, common: set[str]) -> Running:
    try:
        contents = Contents(loaded, program.manifest, program.sizes)
    except BaseException:
        loaded.close()
        raise
    running = Running(
        program.identity(),
        loaded,
        program.manifest,
        contents,
        program.sizes,
        num_interfaces,
        sorted(loaded.map_names()),
    )
    try:
        contents.recover(common)
        contents.begin(but=common)
    except BaseException:
        running.close()
        raise
    return running


def _held(home: Home) -> Running | None:
    """Return the program that an earlier process left, or None if there is none of use."""
    text = home.kept.get(_KIND, _CURRENT)
    if text is None or home.pins is None:
        return None
    note: dict[str, Any] = json.loads(text)
    directory: Path = home.pins / note["identity"]
    loaded = bpffs.Pinned(directory)
    try:
        manifest = parse_manifest(note["manifest"], "the running program")
        contents = Contents(loaded, manifest, note["sizes"])
        contents.recover(names_of(manifest))
    except DataplaneError as error:
        loaded.close()
        _logger.warning("what runs cannot be taken over, so its entries are lost: %s", error)
        return None
    return Running(
        note["identity"],
        loaded,
        manifest,
        contents,
        note["sizes"],
        note["num_interfaces"],
        note["maps"],
        is_taken_over=True,
    )
