"""How a captured N4 message is shown: a tree for people, one line, or JSON for machines."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any

from rich.text import Text
from rich.tree import Tree

if TYPE_CHECKING:
    from pfcp.dissection import Element
    from upf.pfcp_conversation import Exchange
    from upf.udp_datagrams import Address

_CAUSE = 19
_MOST_OCTETS = 64
"""Octets shown of what cannot be read, unless all are wanted."""


def line(exchange: Exchange, begun_s: float) -> Text:
    """A message in one line."""
    message = exchange.message
    text = Text(f"{exchange.number:>4}  ", style="dim")
    if exchange.at_s is not None and exchange.source and exchange.destination:
        text.append(f"{exchange.at_s - begun_s:10.6f}  ", style="dim")
        text.append(f"{_address(exchange.source)} → {_address(exchange.destination)}  ")
    text.append(message.name, style="bold")
    if (head := message.head) is not None:
        text.append(f"  seq {head.sequence_number}", style="cyan")
        if head.seid is not None:
            text.append(f"  SEID {head.seid:#x}", style="cyan")
        if head.message_priority is not None:
            text.append(f"  priority {head.message_priority}", style="cyan")
    for cause in (each for each in message.elements if each.ie_type == _CAUSE and each.value):
        text.append(f"  {_plain(cause.value)}", style="green" if cause.value == 1 else "bold red")
    _relations(text, exchange)
    if message.error is not None:
        text.append(f"  {message.error}", style="bold red")
    return text


def _relations(text: Text, exchange: Exchange) -> None:
    if exchange.answers is not None:
        text.append(f"  answers {exchange.answers}", style="dim")
        if exchange.answers_after_s is not None:
            text.append(f" after {exchange.answers_after_s * 1000:.3f} ms", style="dim")
    if exchange.repeats is not None:
        text.append(f"  the same as {exchange.repeats}", style="yellow")
    if exchange.missing_octets:
        text.append(f"  {exchange.missing_octets} octets are not in the capture", style="bold red")


def tree(exchange: Exchange, begun_s: float) -> Tree:
    """A message with everything in it."""
    root = Tree(line(exchange, begun_s), guide_style="dim")
    for element in exchange.message.elements:
        _branch(root, element)
    if exchange.message.head is None:
        root.add(_octets(exchange.message.octets))
    return root


def _branch(parent: Tree, element: Element) -> None:
    label = Text(element.name)
    if element.ie_type is not None:
        label.append(f" ({element.ie_type})", style="dim")
    if element.error is not None:
        label.append(f"  {element.error}  ", style="bold red")
        label.append(_octets(element.octets))
    elif element.elements:
        branch = parent.add(label)
        for inner in element.elements:
            _branch(branch, inner)
        return
    elif element.value is not None:
        label.append("  ")
        label.append(_text(element.value))
    else:
        label.append("  ")
        label.append(_octets(element.octets))
    parent.add(label)


def _octets(octets: bytes) -> Text:
    shown = octets[:_MOST_OCTETS].hex(" ", -4)
    if len(octets) > _MOST_OCTETS:
        shown += f" … {len(octets)} octets"
    return Text(shown or "no octets", style="yellow")


def _text(value: Any) -> Text:
    """A value: what is not set is left out, a flag that is set is its name."""
    if not is_dataclass(value):
        return Text(_plain(value), style="green")
    name = getattr(value, "name", None)
    if isinstance(name, str):
        return Text(f'"{name}"', style="green")
    parts = []
    for field in fields(value):
        inner = getattr(value, field.name)
        if inner is True:
            parts.append(field.name)
        elif inner is not False and inner is not None and inner != ():
            is_endpoint = field.name.endswith(("seid", "teid"))
            parts.append(f"{field.name}={f'{inner:#x}' if is_endpoint else _plain(inner)}")
    return Text(", ".join(parts) or "none set", style="green")


def _plain(value: Any) -> str:
    if isinstance(value, IntEnum):
        return f"{value.name} ({int(value)})"
    if isinstance(value, bytes):
        return _printable(value)
    return str(value)


def _printable(value: bytes) -> str:
    """Text as text, with its hexadecimal octets where it is none."""
    if value and value.isascii() and value.decode("ascii").isprintable():
        return f'"{value.decode("ascii")}"'
    return value.hex() or "empty"


def _address(address: Address) -> str:
    host, port = address
    return f"[{host}]:{port}" if host.version == 6 else f"{host}:{port}"


def json_of(exchange: Exchange) -> dict[str, Any]:
    """A message as what JSON can hold; what does not apply is left out."""
    message, head = exchange.message, exchange.message.head
    tells = {
        "number": exchange.number,
        "time_s": exchange.at_s,
        "source": exchange.source and _address(exchange.source),
        "destination": exchange.destination and _address(exchange.destination),
        "message": message.name,
        "message_type": head and head.message_type,
        "sequence_number": head and head.sequence_number,
        "seid": head and head.seid,
        "message_priority": head and head.message_priority,
        "answers": exchange.answers,
        "answers_after_s": exchange.answers_after_s,
        "repeats": exchange.repeats,
        "missing_octets": exchange.missing_octets or None,
        "error": None if message.error is None else str(message.error),
        "ies": [_json_element(each) for each in message.elements],
        "octets": message.octets.hex(),
    }
    return {name: value for name, value in tells.items() if value is not None}


def _json_element(element: Element) -> dict[str, Any]:
    tells = {
        "type": element.ie_type,
        "name": element.name,
        "value": _json_value(element.value),
        "ies": [_json_element(each) for each in element.elements] or None,
        "error": element.error,
        "octets": element.octets.hex(),
    }
    return {name: value for name, value in tells.items() if value is not None}


def _json_value(value: Any) -> Any:
    """A value in JSON: enumerators by name, octets in hexadecimal, addresses as text."""
    if isinstance(value, Enum):
        return value.name
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple):
        return [_json_value(each) for each in value]
    if not is_dataclass(value):
        return str(value)
    tells = {field.name: getattr(value, field.name) for field in fields(value)}
    # The text of a name beside its octets.
    tells.setdefault("name", getattr(value, "name", None))
    return {
        name: _json_value(inner)
        for name, inner in tells.items()
        if inner is not None and inner is not False
    }
