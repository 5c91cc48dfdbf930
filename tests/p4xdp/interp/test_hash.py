"""Hashes are those that the world knows by these names."""

import pytest

from p4xdp import ir
from p4xdp.interp.machine import Machine
from p4xdp.interp.statements import execute

CHECK = int.from_bytes(b"123456789", "big")
RESULT = ir.Read(ir.Variable("result", 128))


def hashed(algorithm, width, *fields):
    machine = Machine(gress=None, store=None, frame=b"", now_ns=0, device={})
    constants = tuple(ir.Const(value, bits) for value, bits in fields)
    execute([ir.ComputeHash(RESULT, ir.HashAlgorithm(algorithm), constants, width)], machine)
    return machine.variables["result"]


@pytest.mark.parametrize(
    ("algorithm", "width", "check"), [("CRC16", 16, 0xBB3D), ("CRC32", 32, 0xCBF43926)]
)
def test_the_check_value_of_the_catalogue_comes_out(algorithm, width, check):
    assert hashed(algorithm, width, (CHECK, 72)) == check
    cut = (CHECK >> 60, 12), (CHECK >> 57 & 7, 3), (CHECK & (1 << 57) - 1, 57)
    assert hashed(algorithm, width, *cut) == check
    assert hashed(algorithm, 5, *cut) == check & 31


def test_identity_is_the_end_of_the_fields():
    assert hashed("IDENTITY", 12, (0x5, 4), (0xABCD, 16)) == 0xBCD
    assert hashed("IDENTITY", 20, (0x5, 4), (0xABCD, 16)) == 0x5ABCD
