"""Translating what many sessions have in common once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_VALUES = 1024

Given = TypeVar("Given")
Made = TypeVar("Made")


def once_for_each(make: Callable[[Given], Made]) -> Callable[[Given], Made]:
    """A function of one frozen value that gives the very same object the same result again.

    Decoders give equal IEs as one object (`pfcp.keeping`), so that equal rules of many sessions are
    one object too.
    """
    known: dict[int, tuple[Given, Made]] = {}  # what is kept cannot lose its identity

    def made_once(given: Given) -> Made:
        found = known.get(id(given))
        if found is not None:
            return found[1]
        made = make(given)
        if len(known) >= MOST_VALUES:
            known.clear()
        known[id(given)] = given, made
        return made

    return made_once
