"""What can be wrong with a vector before it is run."""

from __future__ import annotations


class StfError(Exception):
    """Text that is no STF, or names what the program has not. The message says where."""
