"""Names of the program as names in C."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def identifier(name: str) -> str:
    """Return `name` with everything that C does not allow in a name replaced."""
    return re.sub(r"\W", "_", name)


def short_names(names: Iterable[str], prefix: str) -> dict[str, str]:
    """Return for each dotted name `prefix` and its shortest suffix that no other name ends with.

    The kernel shows only fifteen characters of the name of a map, so the head must tell.
    """
    everything = list(names)
    result = {}
    for name in everything:
        parts = name.split(".")
        for start in range(len(parts) - 1, -1, -1):
            suffix = parts[start:]
            if sum(other.split(".")[-len(suffix) :] == suffix for other in everything) == 1:
                break
        result[name] = prefix + identifier("_".join(suffix))
    return result
