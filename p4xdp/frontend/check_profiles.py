"""Action selectors, and what a table may name as its implementation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.frontend import syntax
from p4xdp.frontend.check_registers import RegisterChecker
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.types import ExternOf

if TYPE_CHECKING:
    from collections.abc import Sequence

IMPLEMENTATIONS = ("ActionProfile", "ActionSelector")
_OF_SELECTORS = {"action_profile": "ActionProfile", "hash": "Hash"}


class ProfileChecker(RegisterChecker):
    """Checks instances of ActionSelector."""

    def _check_parameters(self, parameters: Sequence[syntax.Parameter]) -> None:
        raise NotImplementedError

    def _check_selector(self, node: syntax.InstanceDeclaration, kind: ExternOf) -> None:
        (constructor,) = kind.declaration.constructors
        if len(node.arguments) != len(constructor.parameters):
            names = ", ".join(parameter.name for parameter in constructor.parameters)
            raise SourceError(node.at, f"ActionSelector wants {names}", "give all of them in order")
        node.bound = {}
        for parameter, argument in zip(constructor.parameters, node.arguments, strict=True):
            name, value = argument.name or parameter.name, argument.value
            if value is None or name in node.bound:
                raise SourceError(argument.at, f"ActionSelector: {name} is wrong", "give it once")
            wanted = _OF_SELECTORS.get(name)
            if wanted is not None:
                self._require_extern(value, wanted)
            else:
                own = next(one for one in constructor.parameters if one.name == name)
                assert own.resolved is not None
                self._check_as(value, own.resolved, f"ActionSelector: {name}")
                if value.value is None:
                    raise SourceError(
                        argument.at, f"{name} is not known at compile time", "use a const"
                    )
            node.bound[name] = value

    def _require_extern(self, value: syntax.Expression, wanted: str) -> None:
        kind = self._check(value)
        if not isinstance(kind, ExternOf) or kind.declaration.name != wanted:
            raise SourceError(
                syntax.start_of(value), f"{kind} is no {wanted}", f"name a {wanted} declared before"
            )
