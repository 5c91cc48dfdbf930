"""P4-16 source to the elaborated program of `p4xdp.ir`: read, check, elaborate."""

from __future__ import annotations

from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.loading import load

__all__ = ["SourceError", "load"]
