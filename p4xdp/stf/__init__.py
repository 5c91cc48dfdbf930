"""Test vectors in STF, p4c's simple test framework, run on any data plane."""

from p4xdp.stf.errors import StfError
from p4xdp.stf.parsing import parse, read
from p4xdp.stf.runner import Runner

__all__ = ["Runner", "StfError", "parse", "read"]
