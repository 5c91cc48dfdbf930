"""Expressions of an elaborated program in the words of P4, for people to read."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING

from p4xdp import ir

if TYPE_CHECKING:
    from p4xdp.dataplane import Match

_DECIMAL_BELOW = 10


def number(value: int) -> str:
    """Return a constant: small ones as digits, others in hexadecimal."""
    return str(value) if value < _DECIMAL_BELOW else f"{value:#x}"


def masked(value: int, mask: int, width: int) -> str:
    """Return one key of a select or entry: `_`, `0x800` or `0x4 &&& 0xf`."""
    if mask == 0:
        return "_"
    if mask == (1 << width) - 1:
        return number(value)
    return f"{number(value)} &&& {number(mask)}"


def expression(node: ir.Expression) -> str:  # noqa: C901, PLR0911 - one for each kind
    """Return the text of an expression, with no more parentheses than it needs."""
    match node:
        case ir.Const():
            return number(node.value)
        case ir.Read():
            return node.variable.name
        case ir.HeaderField():
            return f"{node.header.name}.{node.field.name}"
        case ir.IsValid():
            return f"{node.header.name}.isValid()"
        case ir.Param():
            return node.name
        case ir.Slice():
            return f"{_operand(node.operand)}[{node.high}:{node.low}]"
        case ir.Unary():
            return f"{node.op.value}{_operand(node.operand)}"
        case ir.Binary():
            return f"{_operand(node.left)} {node.op.value} {_operand(node.right)}"
        case ir.Cast():
            return f"(bit<{node.width}>){_operand(node.operand)}"
        case ir.Conditional():
            parts = (node.condition, node.if_true, node.if_false)
            condition, if_true, if_false = map(_operand, parts)
            return f"{condition} ? {if_true} : {if_false}"
        case ir.Lookahead():
            return f"lookahead<bit<{node.width}>>()"


def _operand(node: ir.Expression) -> str:
    text = expression(node)
    return f"({text})" if isinstance(node, ir.Binary | ir.Conditional) else text


def statement(node: ir.Statement) -> str:  # noqa: C901, PLR0911, PLR0912 - one for each kind
    """Return one line for a statement that contains no others."""
    match node:
        case ir.Assign():
            return f"{expression(node.target)} = {expression(node.value)}"
        case ir.SetValid():
            return f"{node.header.name}.{'setValid' if node.valid else 'setInvalid'}()"
        case ir.Extract():
            return f"extract {node.header.name}"
        case ir.Advance():
            return f"advance {node.bits} bits"
        case ir.Emit():
            return f"emit {node.header.name}"
        case ir.Count():
            return f"count {short(node.counter)}{_index(node.index)}"
        case ir.ExecuteMeter():
            into = "" if node.target is None else f"{expression(node.target)} = "
            return f"{into}meter {short(node.meter)}{_index(node.index)}"
        case ir.ExecuteRegister():
            into = "" if node.target is None else f"{expression(node.target)} = "
            return f"{into}register {short(node.register)}{_index(node.index)}"
        case ir.UpdateChecksum():
            return f"{expression(node.target)} = checksum of {len(node.fields)} fields"
        case ir.ComputeHash():
            fields = ", ".join(map(expression, node.fields))
            return f"{expression(node.target)} = {node.algorithm.value}({fields})"
        case ir.MirrorPacket():
            fields = ", ".join(map(expression, node.fields))
            return f"mirror to session {expression(node.session)} with {{{fields}}}"
        case ir.PackDigest():
            return f"digest {short(node.digest)} of {{{', '.join(map(expression, node.fields))}}}"
        case ir.CallAction():
            return f"{short(node.name)}()"
        case ir.Exit():
            return "exit"
        case ir.Apply():
            return f"{short(node.table)}.apply()"
        case ir.If():
            return f"if ({expression(node.condition)})"


def value_text(name: str, value: int, width: int) -> str:
    """Return a value as its width and the name of what has it suggest: an address, or a number."""
    if width == 48:
        return value.to_bytes(6, "big").hex(":")
    if width == 128:
        return str(IPv6Address(value))
    if width == 32 and any(part in name for part in ("addr", "ipv4", "ip_")):
        return str(IPv4Address(value))
    return str(value) if value < 65536 and "type" not in name else f"{value:#x}"


def match_text(name: str, match: Match, width: int) -> str:
    """Return what a field of an entry asks: a value, a prefix, value and mask, a range, or `*`."""
    ones = (1 << width) - 1
    if match.high is not None:
        is_any = (match.value, match.high) == (0, ones)
        return "*" if is_any else f"{match.value}..{match.high}"
    if match.mask == 0:
        return "*"
    text = value_text(name, match.value, width)
    if match.mask == ones:
        return text
    if (ones ^ match.mask) & ((ones ^ match.mask) + 1) == 0:
        return f"{text}/{match.mask.bit_count()}"
    return f"{text} mask {match.mask:#x}"


def short(name: str) -> str:
    """Return the last part of a control-plane name: `ports` of `Ingress.detection.ports`."""
    return name.rpartition(".")[2]


def _index(index: ir.Expression | None) -> str:
    return "" if index is None else f"[{expression(index)}]"
