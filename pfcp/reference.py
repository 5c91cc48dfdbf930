"""Writes docs/ie-reference.md from the declarations: every message and IE with its fields.

python -m pfcp.reference > docs/ie-reference.md
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Annotated, get_args, get_origin

import pfcp.messages  # noqa: F401 -- declares the messages
from pfcp import ies, schema
from pfcp.schema import GroupField, IESpec, LeafField, MessageSpec, Presence
from pfcp.wire import Bits, Flag, Kind

_HEAD = """\
# Messages and IEs of PFCP

3GPP TS 29.244 release 17 as `pfcp` declares it. Written by `python -m pfcp.reference` from the
declarations; a test holds it to them.

How often a field occurs: **M** once, **O** once or not at all (the specification says when),
**1+** at least once, **0+** any number of times. A flag is named by its octet and bit, as in the
figures. Every message and grouped IE has `vendor_ies` besides.

Octets: `U8` to `U64` and `S32`, `S64` are numbers of so many bits, `U3`, `U4`, `U6` the lower bits
of an octet; `LV8` and `LV16` are octets behind their number in one or two octets, `REST` those to
the end of the IE. `…_TEXT` gives str, `…_NUMBERS` and `…_TEXTS` give tuples.
"""


def reference() -> str:
    """The whole document."""
    parts = [_HEAD, "## Messages\n"]
    parts += [_message(spec) for _, spec in sorted(schema.MESSAGES.items())]
    parts += ["## IEs with one value\n", _scalars(), "## IEs with fields\n"]
    parts += [_ie(spec) for _, spec in sorted(schema.IES.items()) if spec.cls is not None]
    return "\n".join(parts)


def _message(spec: MessageSpec) -> str:
    answer = f" · answered by {spec.response}" if spec.response else ""
    head = f"### {spec.message_type} {spec.name}\n"
    line = f"`messages.{spec.cls.__name__}` · §{spec.clause}{answer}\n"
    return "\n".join([head, line, _group(spec.group_fields)])


def _ie(spec: IESpec) -> str:
    assert spec.cls is not None
    head = f"### {spec.ie_type} {spec.name}\n\n`ies.{spec.cls.__name__}` · §{spec.clause}\n"
    if spec.is_grouped:
        return f"{head}\n{_group(spec.group_fields)}"
    if spec.leaf_fields:
        rows = [(f"`{field.name}`", _often(field), _octets(field)) for field in spec.leaf_fields]
        return f"{head}\n{_table(('field', '', 'octets'), rows)}"
    own = [(f"`{field.name}`", f"`{field.type}`") for field in fields(spec.cls)]  # type: ignore[arg-type]
    return f"{head}\n{_table(('field', 'type'), own)}"


def _group(group: tuple[GroupField, ...]) -> str:
    if not group:
        return "No IEs but those of vendors.\n"
    rows = [
        (f"`{field.name}`", _often(field), f"{field.ie.ie_type} {field.ie.name}") for field in group
    ]
    return _table(("field", "", "IE"), rows)


def _often(field: GroupField | LeafField) -> str:
    if isinstance(field, LeafField) and isinstance(field.kind, Flag):
        return ""
    if field.presence is Presence.SEVERAL:
        return "1+" if isinstance(field, GroupField) and field.at_least_one else "0+"
    return "M" if field.presence is Presence.MANDATORY else "O"


def _octets(field: LeafField) -> str:
    text = _kind(field.kind)
    if field.flag is not None:
        text += f", if {_kind(field.flag)}"
    if field.enumeration is not None:
        text += f", `enums.{field.enumeration.__name__}`"
    return text


def _kind(kind: Kind) -> str:
    if isinstance(kind, Flag):
        return f"flag {kind.octet}/{kind.bit}"
    if isinstance(kind, Bits):
        return f"{kind.width} bits from {kind.octet}/{kind.high}"
    return kind.name


def _scalars() -> str:
    rows = []
    for spec, name, held in sorted(_aliases(), key=lambda each: each[0].ie_type):
        assert spec.kind is not None
        value = f"`enums.{spec.enumeration.__name__}`" if spec.enumeration else f"`{held}`"
        rows.append(
            (
                f"{spec.ie_type}",
                spec.name,
                f"`ies.{name}`",
                value,
                spec.kind.name,
                f"§{spec.clause}",
            )
        )
    return _table(("type", "IE", "name", "value", "octets", "clause"), rows)


def _aliases() -> Iterator[tuple[IESpec, str, str]]:
    """Spec, name and Python type of every IE that is one value."""
    for name, alias in vars(ies).items():
        if get_origin(alias) is Annotated:
            held, spec, *_ = get_args(alias)
            yield spec, name, held.__name__


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    sys.stdout.write(reference())
