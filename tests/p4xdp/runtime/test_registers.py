"""RegisterEntry: written, read, refused."""

from __future__ import annotations

import pytest
from finsy.proto import p4r

MODIFY, INSERT = p4r.Update.MODIFY, p4r.Update.INSERT
QUOTAS, BALANCES = 0x16000001, 0x16000002
INVALID, NOT_FOUND, OUT_OF_RANGE = 3, 5, 11


def pair(limit, used, index=None):
    entry = p4r.RegisterEntry(register_id=QUOTAS)
    for number in (limit, used):
        entry.data.struct.members.add(bitstring=number)
    if index is not None:
        entry.index.index = index
    return entry


def balance(octets, index=1):
    entry = p4r.RegisterEntry(register_id=BALANCES)
    entry.data.bitstring = octets
    entry.index.index = index
    return entry


async def registers(client, **fields):
    entities = await client.read(register_entry=p4r.RegisterEntry(**fields))
    return [entity.register_entry for entity in entities]


@pytest.mark.clause("Registers", "a cell is a bitstring or a struct of them")
async def test_a_cell_of_two_numbers_is_written_and_read(client, dataplane):
    await client.write((MODIFY, pair(b"\x03\xe8", b"\x00\x07", index=4999)))
    assert dataplane.registers["Ingress.quotas"] == {4999: (1000, 7)}
    found = await registers(client, register_id=QUOTAS, index=p4r.Index(index=4999))
    assert found == [pair(b"\x03\xe8", b"\x07", index=4999)]


@pytest.mark.clause("Registers", "an unset index is every cell")
async def test_without_an_index_all_cells_are_meant(client, dataplane):
    await client.write((MODIFY, pair(b"\x01", b"\x02")))
    assert set(dataplane.registers["Ingress.quotas"].values()) == {(1, 2)}
    found = await registers(client, register_id=QUOTAS)
    assert [entry.index.index for entry in found] == list(range(5000))
    assert len(await registers(client)) == 5004


@pytest.mark.parametrize(
    ("octets", "bits", "shortest"),
    [
        (b"\xfd", 0xFFFFFFFD, b"\xfd"),
        (b"\xff\xff\xff\xff\x80", 0xFFFFFF80, b"\x80"),
        (b"\x00\x80", 0x80, b"\x00\x80"),
        (b"\x80\x00\x00\x00", 0x80000000, b"\x80\x00\x00\x00"),
        (b"\x00", 0, b"\x00"),
    ],
)
@pytest.mark.clause(
    "Bytestrings",
    "signed values are in two's complement, sign-extended as wide as wanted, answered shortest",
)
async def test_signed_numbers_are_in_twos_complement(client, dataplane, octets, bits, shortest):
    await client.write((MODIFY, balance(octets)))
    assert dataplane.registers["Ingress.balances"] == {1: (bits,)}
    (found,) = await registers(client, register_id=BALANCES, index=p4r.Index(index=1))
    assert found.data.bitstring == shortest


def no_data():
    return p4r.RegisterEntry(register_id=QUOTAS)


def one_member():
    entry = pair(b"\x01", b"\x02")
    entry.data.struct.members.pop()
    return entry


def not_bits():
    entry = pair(b"\x01", b"\x02")
    entry.data.struct.members[1].bool = True
    return entry


@pytest.mark.parametrize(
    ("kind", "entry", "code"),
    [
        (MODIFY, p4r.RegisterEntry(register_id=7), NOT_FOUND),
        (INSERT, pair(b"\x01", b"\x02", 0), INVALID),
        (MODIFY, pair(b"\x01", b"\x02", 5000), OUT_OF_RANGE),
        (MODIFY, pair(b"\x01", b"\x01\x00\x00\x00\x00", 0), OUT_OF_RANGE),
        (MODIFY, balance(b"\x00\x80\x00\x00\x00"), OUT_OF_RANGE),
        (MODIFY, balance(b""), OUT_OF_RANGE),
        (MODIFY, no_data(), INVALID),
        (MODIFY, one_member(), INVALID),
        (MODIFY, not_bits(), INVALID),
    ],
    ids=range(9),
)
@pytest.mark.clause(
    "Registers",
    "what does not fit a cell: OUT_OF_RANGE or INVALID_ARGUMENT; INSERT and DELETE: "
    "INVALID_ARGUMENT",
)
async def test_what_does_not_fit_is_refused(client, dataplane, kind, entry, code):
    assert await client.codes((kind, entry)) == [code]
    assert not dataplane.registers.get("Ingress.quotas")


async def test_a_batch_that_fails_leaves_registers_as_they_were(client, dataplane):
    dataplane.registers["Ingress.quotas"] = {3: (8, 9)}
    rollback = p4r.WriteRequest.ROLLBACK_ON_ERROR
    updates = [(MODIFY, pair(b"\x01", b"\x02", 3)), (MODIFY, pair(b"\x01", b"\x02", 5000))]
    await client.codes(*updates, atomicity=rollback)
    assert dataplane.registers["Ingress.quotas"] == {3: (8, 9)}
