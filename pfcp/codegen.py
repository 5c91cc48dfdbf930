"""Gives each declared class the decoder and encoder written for it.

The source written is plain and can be read: `source_of(cls)` gives it, and tracebacks show its
lines. Bounds are checked once per IE and numbers are unpacked with precomputed formats.
"""

from typing import Any

from pfcp.groups import write_group_codec
from pfcp.leaves import write_leaf_codec
from pfcp.reader import OwnLayout, own_codec
from pfcp.schema import IESpec, MessageSpec
from pfcp.source import source_of

__all__ = ["attach", "source_of"]


def attach(cls: Any, spec: IESpec | MessageSpec) -> None:
    """Set `read` and `write` of a class."""
    if isinstance(spec, IESpec) and issubclass(cls, OwnLayout):
        namespace = own_codec(cls, spec.name, spec.ie_type)
    elif isinstance(spec, IESpec) and not spec.is_grouped:
        namespace = write_leaf_codec(spec)
    else:
        namespace = write_group_codec(cls, spec)
    cls.read = staticmethod(namespace["read"])
    cls.write = staticmethod(namespace["write"])
