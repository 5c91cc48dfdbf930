"""What ends a trace before it begins."""

from __future__ import annotations


class TraceError(Exception):
    """A packet, file or switch that cannot be traced with. One line, saying what to do."""
