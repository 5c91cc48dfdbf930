"""A pipeline compiled into the switch's directory while it runs: a client may go over to it."""

from __future__ import annotations

import grpc
import pytest
from finsy.proto import p4i, p4r

from p4xdp.runtime import serve
from p4xdp.runtime.artifacts import ArtifactError, CompiledPipeline

SET = p4r.SetForwardingPipelineConfigRequest

ENTRY = (
    r"table_id: 0x02000002 match { field_id: 1 exact { value: '\x01' } } metadata: 'note' "
    r"action { action { action_id: 0x01000002 params { param_id: 1 value: 'a' } } }"
)


@pytest.fixture
def compiled(p4info):
    """What is in the directory; `None` stands for a directory of no use."""
    info = p4i.P4Info()
    info.CopyFrom(p4info)
    info.tables[0].preamble.annotations.append("@new")
    return {"now": CompiledPipeline("small", info, b"new manifest")}


@pytest.fixture
async def server(dataplane, p4info, compiled):
    def find():
        if compiled["now"] is None:
            raise ArtifactError("nothing there")
        return compiled["now"]

    running = await serve(
        dataplane, p4info, listen="127.0.0.1:0", device_config=b"manifest", find_compiled=find
    )
    yield running
    await running.stop(0)


@pytest.fixture
def set_config(client):
    async def set_config(action, info, device_config=b"", cookie=9):
        request = SET(device_id=1, action=action)
        request.election_id.low = 1
        request.config.p4info.CopyFrom(info)
        request.config.p4_device_config = device_config
        request.config.cookie.cookie = cookie
        return await client.stub.SetForwardingPipelineConfig(request)

    return set_config


async def get_config(client):
    request = p4r.GetForwardingPipelineConfigRequest(device_id=1)
    return (await client.stub.GetForwardingPipelineConfig(request)).config


async def refusal(awaitable):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await awaitable
    return caught.value.code().name, caught.value.details()


@pytest.mark.clause(
    "SetForwardingPipelineConfig",
    "VERIFY_AND_COMMIT of another pipeline realises it with empty state",
)
async def test_committing_the_compiled_pipeline_clears_the_state(
    client, set_config, compiled, table_entry, dataplane
):
    await client.write((p4r.Update.INSERT, table_entry(ENTRY)))
    await set_config(SET.VERIFY_AND_COMMIT, compiled["now"].p4info, b"new manifest")
    config = await get_config(client)
    assert config.p4info == compiled["now"].p4info
    assert config.p4_device_config == b"new manifest"
    assert config.cookie.cookie == 9
    assert await client.entries() == []
    await client.write((p4r.Update.INSERT, table_entry(ENTRY)))


@pytest.mark.clause(
    "SetForwardingPipelineConfig",
    "RECONCILE_AND_COMMIT of another pipeline keeps the forwarding state",
)
async def test_reconciling_with_it_keeps_entries_and_their_metadata(
    client, set_config, compiled, table_entry
):
    await client.write((p4r.Update.INSERT, table_entry(ENTRY)))
    await set_config(SET.RECONCILE_AND_COMMIT, compiled["now"].p4info)
    assert (await get_config(client)).p4info == compiled["now"].p4info
    assert await client.entries() == [table_entry(ENTRY)]


@pytest.mark.clause(
    "SetForwardingPipelineConfig",
    "RECONCILE_AND_COMMIT that cannot keep the state: INVALID_ARGUMENT",
)
async def test_reconciling_is_refused_if_something_would_be_lost(
    client, set_config, compiled, p4info, dataplane, table_entry
):
    await client.write((p4r.Update.INSERT, table_entry(ENTRY)))
    dataplane.broken.add("replace")
    code, text = await refusal(set_config(SET.RECONCILE_AND_COMMIT, compiled["now"].p4info))
    assert (code, text) == ("INVALID_ARGUMENT", "entries would be lost")
    assert (await get_config(client)).p4info == p4info
    assert len(await client.entries()) == 1


@pytest.mark.clause("SetForwardingPipelineConfig", "VERIFY changes nothing")
async def test_verifying_changes_nothing_and_saving_is_not_supported(
    client, set_config, compiled, p4info
):
    await set_config(SET.VERIFY, compiled["now"].p4info)
    code, _ = await refusal(set_config(SET.VERIFY_AND_SAVE, compiled["now"].p4info))
    assert code == "UNIMPLEMENTED"
    assert (await get_config(client)).p4info == p4info


async def test_a_pipeline_that_is_in_no_directory_is_refused(set_config, compiled, p4info):
    wanted = compiled["now"].p4info
    compiled["now"] = None
    code, text = await refusal(set_config(SET.VERIFY_AND_COMMIT, wanted))
    assert (code, "compile it there first" in text) == ("INVALID_ARGUMENT", True)
    await set_config(SET.VERIFY_AND_COMMIT, p4info)
