"""Packets put together of a program's own headers, whatever it calls them."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from p4xdp.trace.errors import TraceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from p4xdp import ir

_MAC_OCTETS = 6


def frame_of_headers(program: ir.Program, headers: Iterable[str], payload_octets: int) -> bytes:
    """Return the headers one after the other, then zeros.

    Each is NAME[,FIELD=VALUE...]: an instance that ingress knows, or its type; a field not named is
    0. Values are numbers, MAC or IP addresses. TraceError for what the program does not have.
    """
    return b"".join(_octets(program, each) for each in headers) + bytes(payload_octets)


def _octets(program: ir.Program, text: str) -> bytes:
    name, *settings = text.split(",")
    header_type = instances(program, name)[0].type
    bits = 0
    for setting in settings:
        field_name, equals, value_text = setting.partition("=")
        if not equals:
            raise TraceError(f"--header {text}: {setting!r} is not of the form FIELD=VALUE")
        try:
            field = header_type.field(field_name)
        except KeyError:
            known = ", ".join(each.name for each in header_type.fields)
            raise TraceError(f"{name} has no field {field_name}, only {known}") from None
        value = number(value_text)
        if value >> field.width:
            raise TraceError(f"{name}.{field_name} has {field.width} bits, {value_text} needs more")
        bits |= value << (header_type.width - field.offset - field.width)
    return bits.to_bytes(header_type.width // 8, "big")


def instances(program: ir.Program, name: str) -> list[ir.Header]:
    """Return the headers of ingress that are called so, or that are of a type called so."""
    headers = [each for each in program.ingress.headers if not each.intrinsic]
    named = [each for each in headers if name in (each.name, each.name.rpartition(".")[2])]
    found = named or [each for each in headers if each.type.name == name]
    if found:
        return found
    known = ", ".join(each.name for each in headers)
    raise TraceError(f"the program has no header {name}, only {known}")


def number(text: str) -> int:
    """Read a number, a MAC or an IP address; TraceError."""
    octets = text.split(":")
    try:
        if len(octets) == _MAC_OCTETS and all(octets):
            return int.from_bytes(bytes(int(each, 16) for each in octets), "big")
        if "." in text or ":" in text:
            return int(ip_address(text))
        found = int(text, 0)
    except ValueError:
        found = -1
    if found < 0:
        raise TraceError(f"{text!r} is no number, MAC or IP address")
    return found
