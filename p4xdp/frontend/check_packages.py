"""Whether the program's blocks fit the architecture's Pipeline and Switch."""

from __future__ import annotations

from p4xdp.frontend import syntax
from p4xdp.frontend.check_tables import TableChecker
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.types import (
    ANY,
    BlockOf,
    PackageOf,
    Type,
    TypeItself,
    TypeVariable,
    substitute,
    unify,
)


class PackageChecker(TableChecker):
    """Checks instances of packages."""

    def _check_package_instance(self, node: syntax.InstanceDeclaration) -> None:
        kind = self._resolve_type(node.type)
        if not isinstance(kind, PackageOf):
            raise SourceError(
                node.at, f"an instance of {kind} cannot be declared here", "declare it in a control"
            )
        parameters = kind.declaration.parameters
        names = kind.declaration.type_parameters
        given = dict(zip(names, kind.arguments, strict=bool(kind.arguments)))
        bindings: dict[str, Type] = {name: one for name, one in given.items() if one != ANY}
        if any(argument.name is not None for argument in node.arguments):
            order = {parameter.name: index for index, parameter in enumerate(parameters)}
            for argument in node.arguments:
                if argument.name not in order:
                    raise SourceError(
                        argument.at,
                        f"{kind} has no parameter {argument.name}",
                        f"it has {', '.join(order)}",
                    )
            node.arguments.sort(key=lambda argument: order[argument.name or ""])
        if len(node.arguments) != len(parameters):
            names_given = ", ".join(parameter.name for parameter in parameters)
            hint = (
                "one pipe is supported"
                if kind.declaration.name == "Switch"
                else f"it takes {names_given}"
            )
            raise SourceError(
                node.at, f"{kind} takes {len(parameters)} arguments, {len(node.arguments)} given",
                hint,
            )  # fmt: skip
        for parameter, argument in zip(parameters, node.arguments, strict=True):
            assert parameter.resolved is not None
            if argument.value is None:
                raise SourceError(argument.at, f"{parameter.name} cannot be _", "name a block")
            self._check_part(parameter.resolved, argument.value, bindings)
            node.bound[parameter.name] = argument.value
        node.resolved = PackageOf(kind.declaration, tuple(bindings[name] for name in names))
        self._scope.declare(node.name, node, node.at)

    def _check_part(
        self, wanted: Type, value: syntax.Expression, bindings: dict[str, Type]
    ) -> None:
        if isinstance(wanted, PackageOf):
            kind = self._check(value) if isinstance(value, syntax.Name) else None
            if not isinstance(kind, PackageOf) or kind.declaration is not wanted.declaration:
                raise SourceError(
                    value.at, f"expected the name of a {wanted}",
                    f"declare it as {wanted}(...) pipe; p4c names the tables after it",
                )  # fmt: skip
            for variable, argument in zip(wanted.arguments, kind.arguments, strict=True):
                if not unify(variable, argument, bindings):
                    raise SourceError(
                        value.at,
                        f"this does not fit the types of {wanted}",
                        "all its blocks have to share headers and metadata",
                    )
            return
        assert isinstance(wanted, BlockOf)
        assert isinstance(wanted.declaration, syntax.BlockTypeDeclaration)
        if not (isinstance(value, syntax.Call) and isinstance(value.callee, syntax.Name)):
            raise SourceError(
                value.at,
                f"expected an instance of a {wanted.declaration.kind}",
                "write its name and ()",
            )
        kind = self._check(value.callee)
        if value.arguments:
            raise SourceError(
                value.at, "constructor arguments are not supported", "remove them: use a const"
            )
        block = kind.type if isinstance(kind, TypeItself) else kind
        expected = (
            syntax.ParserDeclaration
            if wanted.declaration.kind == "parser"
            else syntax.ControlDeclaration
        )
        if not isinstance(block, BlockOf) or not isinstance(block.declaration, expected):
            raise SourceError(
                value.at,
                f"{value.callee.name} is not a {wanted.declaration.kind}",
                f"it takes the {wanted.declaration.kind} {wanted}",
            )
        self._check_block(wanted, block, value, bindings)

    @staticmethod
    def _check_block(
        wanted: BlockOf, block: BlockOf, value: syntax.Expression, bindings: dict[str, Type]
    ) -> None:
        """Compare a block's parameters with those the architecture passes to it."""
        assert isinstance(wanted.declaration, syntax.BlockTypeDeclaration)
        renamed = dict(zip(wanted.declaration.type_parameters, wanted.arguments, strict=True))
        theirs = wanted.declaration.parameters
        ours = block.declaration.parameters
        for index, parameter in enumerate(theirs):
            if index >= len(ours):
                if parameter.is_optional:
                    continue
                raise SourceError(
                    value.at, f"{block} lacks parameter {parameter.name} of {wanted}",
                    f"it takes {_parameter_list(wanted)}",
                )  # fmt: skip
            given = ours[index]
            assert parameter.resolved is not None
            assert given.resolved is not None
            pattern = substitute(parameter.resolved, renamed)
            if given.direction != parameter.direction:
                raise SourceError(
                    given.at,
                    f"{given.name} of {block} is {given.direction or 'directionless'}, "
                    f"{wanted} has {parameter.direction or 'no direction'}",
                    f"it takes {_parameter_list(wanted)}",
                )
            if not unify(pattern, given.resolved, bindings):
                bound = substitute(pattern, bindings)
                known = "" if isinstance(bound, TypeVariable) else f", {wanted} wants {bound}"
                raise SourceError(
                    given.at,
                    f"{given.name} of {block} is {given.resolved}{known}",
                    f"it takes {_parameter_list(wanted)}",
                )
        if len(ours) > len(theirs):
            raise SourceError(
                ours[len(theirs)].at, f"{block} has more parameters than {wanted}",
                f"it takes {_parameter_list(wanted)}",
            )  # fmt: skip


def _parameter_list(wanted: BlockOf) -> str:
    return ", ".join(
        f"{parameter.direction} {parameter.resolved}".strip()
        for parameter in wanted.declaration.parameters
    )
