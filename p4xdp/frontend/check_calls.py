"""Calls: which method is meant, and whether its arguments fit its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp.frontend import syntax
from p4xdp.frontend.check_expressions import ExpressionChecker
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.types import (
    BOOL,
    VOID,
    ActionOf,
    Aggregate,
    ApplyResult,
    BlockOf,
    ExternOf,
    TableOf,
    Type,
    TypeItself,
    TypeVariable,
    is_scalar,
    substitute,
    unify,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from p4xdp.ir import Position

_CHECKSUM_METHODS = frozenset({"add", "subtract", "verify", "get", "subtract_all_and_deposit"})


class CallChecker(ExpressionChecker):
    """Adds calls to the expressions that can be checked."""

    def __init__(self) -> None:
        super().__init__()
        self._place = ""  # "parser", "action" or "control": where statements stand now
        self._recursion: list[str] = []  # blocks and actions being checked

    def _call_type(self, node: syntax.Call) -> Type:
        callee = node.callee
        if isinstance(callee, syntax.Name):
            return self._action_call(node, callee)
        if not isinstance(callee, syntax.Member):
            raise SourceError(
                node.at, "this cannot be called", "call an action, or a method: x.apply()"
            )
        base = self._check(callee.base)
        if isinstance(base, ExternOf):
            return self._method_call(node, callee, base)
        if node.type_arguments:
            raise SourceError(node.at, f"{callee.name} takes no type arguments", "remove <...>")
        if isinstance(base, Aggregate) and base.is_header:
            return self._header_call(node, callee, base)
        if isinstance(base, TableOf):
            return self._table_apply(node, callee, base)
        if isinstance(base, BlockOf):
            return self._block_apply(node, callee, base)
        raise SourceError(
            callee.at,
            f"{base} has no method {callee.name}",
            "methods are those of headers, tables, controls and externs",
        )

    # --- actions, headers, tables, controls ---

    def _action_call(self, node: syntax.Call, callee: syntax.Name) -> Type:
        if callee.name in self._recursion:
            raise SourceError(node.at, f"{callee.name} calls itself", "recursion is not possible")
        kind = self._check(callee)
        if node.type_arguments:
            raise SourceError(node.at, f"{callee.name} takes no type arguments", "remove <...>")
        if isinstance(kind, TypeItself):
            raise SourceError(
                node.at,
                f"an instance of {kind.type} cannot be made here",
                "declare it before apply",
            )
        if not isinstance(kind, ActionOf):
            raise SourceError(node.at, f"{callee.name} is not an action", "it cannot be called")
        if self._place == "parser":
            raise SourceError(
                node.at,
                "actions cannot be called in a parser",
                "write the statements into the state",
            )
        node.bound = self._bind(
            f"action {callee.name}", kind.declaration.parameters, node.arguments, node.at, {}
        )
        return VOID

    def _header_call(self, node: syntax.Call, callee: syntax.Member, base: Aggregate) -> Type:
        if callee.name not in ("isValid", "setValid", "setInvalid"):
            raise SourceError(
                callee.at, f"{base} has no method {callee.name}", "isValid, setValid, setInvalid"
            )
        self._bind(callee.name, [], node.arguments, node.at, {})
        if callee.name == "isValid":
            return BOOL
        self._require_lvalue(callee.base, "the header")
        return VOID

    def _table_apply(self, node: syntax.Call, callee: syntax.Member, base: TableOf) -> Type:
        if callee.name != "apply":
            raise SourceError(callee.at, f"{base} has no method {callee.name}", "it has apply()")
        if self._place != "control":
            raise SourceError(
                node.at, "a table can be applied only in the apply of a control", "move it there"
            )
        self._bind("apply", [], node.arguments, node.at, {})
        return ApplyResult(base.declaration)

    def _block_apply(self, node: syntax.Call, callee: syntax.Member, base: BlockOf) -> Type:
        if callee.name != "apply":
            raise SourceError(callee.at, f"{base} has no method {callee.name}", "it has apply()")
        if not isinstance(base.declaration, syntax.ControlDeclaration):
            raise SourceError(node.at, "parsers inside parsers are not supported", "inline it")
        if self._place != "control":
            raise SourceError(
                node.at, "a control can be applied only in the apply of a control", "move it there"
            )
        node.bound = self._bind(
            f"{base}.apply", base.declaration.parameters, node.arguments, node.at, {}
        )
        return VOID

    # --- externs ---

    def _method_call(self, node: syntax.Call, callee: syntax.Member, base: ExternOf) -> Type:
        method = self._method(node, callee, base)
        bindings: dict[str, Type] = dict(base.bindings)
        if node.type_arguments:
            if len(node.type_arguments) != len(method.type_parameters):
                raise SourceError(
                    node.at,
                    f"{callee.name} takes {len(method.type_parameters)} type arguments",
                    f"write <{', '.join(method.type_parameters)}>"
                    if method.type_parameters
                    else "remove <...>",
                )
            for name, argument in zip(method.type_parameters, node.type_arguments, strict=True):
                bindings[name] = self._resolve_type(argument)
        node.bound = self._bind(
            f"{base}.{callee.name}", method.parameters, node.arguments, node.at, bindings
        )
        assert method.resolved is not None
        if base.declaration.name in ("packet_in", "packet_out"):
            _check_packet_type(node, callee.name, bindings)
        if base.declaration.name == "Mirror":
            _check_mirrored_type(node, bindings)
        result = substitute(method.resolved, bindings)
        if isinstance(result, TypeVariable):
            raise SourceError(
                node.at, f"the type of {callee.name} is not known", f"write {callee.name}<T>()"
            )
        return result

    def _method(self, node: syntax.Call, callee: syntax.Member, base: ExternOf) -> syntax.Method:
        named = [method for method in base.declaration.methods if method.name == callee.name]
        if not named:
            if base.declaration.name == "Checksum" and callee.name in _CHECKSUM_METHODS:
                raise SourceError(
                    callee.at, f"Checksum.{callee.name} is not supported", "use update({...})"
                )
            names = ", ".join(sorted({method.name for method in base.declaration.methods}))
            hint = f"it has {names}" if names else "execute a RegisterAction"
            raise SourceError(callee.at, f"{base} has no method {callee.name}", hint)
        fitting = [method for method in named if accepts(method, node.arguments)]
        if len(fitting) > 1:
            raise SourceError(node.at, f"{base}.{callee.name} is ambiguous", "name the arguments")
        if fitting:
            return fitting[0]
        if len(named) == 1:
            return named[0]  # binding will say what is wrong
        forms = " or ".join(_signature(method) for method in named)
        raise SourceError(node.at, f"the arguments fit no form of {base}.{callee.name}", forms)

    # --- arguments ---

    def _bind(
        self,
        what: str,
        parameters: Sequence[syntax.Parameter],
        arguments: Sequence[syntax.Argument],
        at: Position,
        bindings: dict[str, Type],
    ) -> dict[str, syntax.Expression | None]:
        """Pair arguments with parameters and check each; optional ones left out are not in it."""
        named = [argument for argument in arguments if argument.name is not None]
        if named and len(named) != len(arguments):
            raise SourceError(
                at, f"{what}: name all arguments or none", "write name = value for each"
            )
        by_name = {parameter.name: parameter for parameter in parameters}
        bound: dict[str, syntax.Expression | None] = {}
        for index, argument in enumerate(arguments):
            if argument.name is None and index >= len(parameters):
                raise SourceError(
                    argument.at,
                    f"{what} takes {len(parameters)} arguments, {len(arguments)} given",
                    _list_of(parameters),
                )
            name = argument.name or parameters[index].name
            if name not in by_name:
                raise SourceError(
                    argument.at, f"{what} has no parameter {name}", f"it has {', '.join(by_name)}"
                )
            if name in bound:
                raise SourceError(
                    argument.at, f"{what}: {name} is given twice", "remove one of them"
                )
            bound[name] = argument.value
            self._argument(what, by_name[name], argument, bindings)
        for parameter in parameters:
            if parameter.name not in bound and not parameter.is_optional:
                raise SourceError(
                    at, f"{what}: argument {parameter.name} is missing", _list_of(parameters)
                )
        return bound

    def _argument(
        self,
        what: str,
        parameter: syntax.Parameter,
        argument: syntax.Argument,
        bindings: dict[str, Type],
    ) -> None:
        named = f"{what}: {parameter.name}"
        if argument.value is None:
            if parameter.direction != "out":
                raise SourceError(
                    argument.at, f"{named}: _ stands only for out parameters", "pass a value"
                )
            raise SourceError(argument.at, f"{named}: _ is not supported", "give it a variable")
        kind = self._check(argument.value)
        assert parameter.resolved is not None
        wanted = substitute(parameter.resolved, bindings)
        if isinstance(wanted, TypeVariable):
            unify(wanted, kind, bindings)
        elif parameter.direction in ("out", "inout"):
            if kind != wanted:
                raise SourceError(
                    argument.at,
                    f"{named} wants {wanted}, this is {kind}",
                    f"pass a variable of {wanted}",
                )
        else:
            self._convert(argument.value, wanted, named)
        if parameter.direction in ("out", "inout"):
            self._require_lvalue(argument.value, named)
        if kind == VOID:
            raise SourceError(argument.at, f"{named}: this has no value", "pass an expression")


def _check_packet_type(node: syntax.Call, method: str, bindings: Mapping[str, Type]) -> None:
    """What is extracted is a header; what is emitted, a header or a struct of headers."""
    kind = bindings.get("T")
    if kind is None:
        return
    is_header = isinstance(kind, Aggregate) and kind.is_header
    allowed = {
        "extract": is_header,
        "lookahead": is_header or is_scalar(kind),
        "emit": is_header or _holds_headers_only(kind),
    }
    if not allowed[method]:
        wanted = {"extract": "a header", "lookahead": "bits or a header"}
        raise SourceError(
            node.at,
            f"{method} wants {wanted.get(method, 'headers')}, this is {kind}",
            "name a header, or a field of the struct",
        )


def _check_mirrored_type(node: syntax.Call, bindings: Mapping[str, Type]) -> None:
    """What is put in front of a copy is a header, a struct of numbers, or a list of them."""
    kind = bindings.get("T")
    if is_scalar(kind):
        raise SourceError(node.at, f"emit wants a header, this is {kind}", "put it in braces: {a}")


def _holds_headers_only(kind: Type) -> bool:
    return isinstance(kind, Aggregate) and all(
        isinstance(field.type, Aggregate)
        and (field.type.is_header or _holds_headers_only(field.type))
        for field in kind.fields
    )


def accepts(method: syntax.Method, arguments: Sequence[syntax.Argument]) -> bool:
    """Whether names and number of the arguments fit; their types play no part in the choice."""
    left = {parameter.name: parameter for parameter in method.parameters}
    for index, argument in enumerate(arguments):
        if index >= len(method.parameters):
            return False
        if left.pop(argument.name or method.parameters[index].name, None) is None:
            return False
    return all(parameter.is_optional for parameter in left.values())


def _list_of(parameters: Sequence[syntax.Parameter]) -> str:
    names = ", ".join(parameter.name for parameter in parameters)
    return f"its parameters are ({names})" if names else "it has no parameters: write ()"


def _signature(method: syntax.Method) -> str:
    parts = [
        f"[{parameter.name}]" if parameter.is_optional else parameter.name
        for parameter in method.parameters
    ]
    return f"{method.name}({', '.join(parts)})"
