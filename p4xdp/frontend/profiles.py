"""Action profiles and selectors: instances, and the tables that share one."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.types import width_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from p4xdp.frontend import syntax
    from p4xdp.frontend.storage import ExternBinding


def with_selector(
    profile: ir.ActionProfile, name: str, node: syntax.InstanceDeclaration, hashing: ExternBinding
) -> ir.ActionProfile:
    """Return a profile with a checked selector; SourceError if it has one already."""
    if profile.selector is not None:
        raise SourceError(
            node.at, f"{profile.name} has a selector already", "declare another ActionProfile"
        )
    assert hashing.hash_algorithm is not None
    selector = ir.Selector(
        name,
        hashing.hash_algorithm,
        width_of(hashing.type.arguments[0]),
        _number(node, "max_group_size"),
        _number(node, "num_groups"),
    )
    return dataclasses.replace(profile, selector=selector)


def _number(node: syntax.InstanceDeclaration, name: str) -> int:
    argument = node.bound[name]
    assert argument is not None
    assert isinstance(argument.value, int)
    if argument.value < 1:
        raise SourceError(argument.at, f"{name} is less than 1", "it is at least 1")
    return argument.value


def check_sharing(tables: Mapping[str, ir.Table]) -> None:
    """Refuse tables that share a profile but not its actions, or a selector but not its keys."""
    first: dict[str, ir.Table] = {}
    for table in tables.values():
        if table.implementation is None:
            continue
        other = first.setdefault(table.implementation, table)
        if {one.action for one in table.actions} != {one.action for one in other.actions}:
            raise SourceError(
                table.at,
                f"{table.name} and {other.name} share {table.implementation}, not the actions",
                "list the same actions",
            )
        if _choosing(table) != _choosing(other):
            raise SourceError(
                table.at,
                f"{table.name} and {other.name} share a selector, not its keys",
                "use the same selector keys",
            )


def _choosing(table: ir.Table) -> list[ir.Expression]:
    return [key.expression for key in table.keys if key.match_kind is ir.MatchKind.SELECTOR]
