"""DATAPLANE_ATOMIC: granted where packets see one step, refused elsewhere."""

from __future__ import annotations

import grpc
import pytest
from finsy.proto import p4r

ATOMIC = p4r.WriteRequest.DATAPLANE_ATOMIC
INSERT, MODIFY, DELETE = p4r.Update.INSERT, p4r.Update.MODIFY, p4r.Update.DELETE
NOT_FOUND = 5


def session(key, *, action=True):
    message = p4r.TableEntry(table_id=0x02000001)
    message.match.add(field_id=1).exact.value = b"\x01"
    message.match.add(field_id=2).exact.value = bytes([key])
    if action:
        message.action.action.action_id = 0x01000002
        message.action.action.params.add(param_id=1, value=b"\x03")
    return message


def filtered():
    message = p4r.TableEntry(table_id=0x02000003, priority=1)
    message.action.action.action_id = 0x01000002
    message.action.action.params.add(param_id=1, value=b"\x03")
    return message


def register(**fields):
    message = p4r.RegisterEntry(register_id=0x16000002, **fields)
    message.data.bitstring = b"\x05"
    return message


@pytest.mark.clause("Batch atomicity", "DATAPLANE_ATOMIC: one update that is one step to packets")
async def test_a_single_step_is_atomic(client, dataplane):
    await client.write(atomicity=ATOMIC)
    await client.write((INSERT, session(1)), atomicity=ATOMIC)
    await client.write((MODIFY, session(1)), atomicity=ATOMIC)
    assert len(dataplane.tables["Ingress.sessions"]) == 1
    await client.write((DELETE, session(1, action=False)), atomicity=ATOMIC)
    assert not dataplane.tables["Ingress.sessions"]
    await client.write((MODIFY, register(index=p4r.Index(index=1))), atomicity=ATOMIC)
    assert await client.codes((DELETE, session(1)), atomicity=ATOMIC) == [NOT_FOUND]


@pytest.mark.clause("Batch atomicity", "DATAPLANE_ATOMIC: UNIMPLEMENTED for a batch that cannot be")
@pytest.mark.parametrize(
    "updates",
    [
        pytest.param([(INSERT, session(1)), (INSERT, session(2))], id="two updates"),
        pytest.param([(INSERT, filtered())], id="an entry with a meter"),
        pytest.param([(MODIFY, register())], id="every cell"),
        pytest.param(
            [(MODIFY, p4r.MeterEntry(meter_id=0x14000001, index=p4r.Index(index=1)))], id="a meter"
        ),
    ],
)
async def test_what_takes_several_steps_is_refused_whole(client, dataplane, updates):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await client.write(*updates, atomicity=ATOMIC)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert not any(dataplane.tables.values())
