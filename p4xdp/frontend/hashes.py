"""Instances of Hash: which algorithm, and how much of its result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from p4xdp import ir
from p4xdp.frontend.errors import SourceError
from p4xdp.frontend.types import Bits

if TYPE_CHECKING:
    from p4xdp.frontend import syntax
    from p4xdp.frontend.types import ExternOf


def hash_algorithm(node: syntax.InstanceDeclaration, kind: ExternOf) -> ir.HashAlgorithm:
    """Return the algorithm of an instance; SourceError if it is none of ours or too narrow."""
    argument = node.bound["algo"]
    assert argument is not None
    try:
        algorithm = ir.HashAlgorithm(argument.value)
    except ValueError:
        names = ", ".join(one.value for one in ir.HashAlgorithm)
        raise SourceError(
            node.at, f"hash algorithm {argument.value} is not supported", f"use {names}"
        ) from None
    result = kind.arguments[0]
    assert isinstance(result, Bits), "the arguments of Hash are checked"
    width, most = result.width, algorithm.bits
    if most is not None and width > most:
        raise SourceError(
            node.at, f"{algorithm.value} has {most} bits, not {width}", f"cast a bit<{most}>"
        )
    return algorithm
