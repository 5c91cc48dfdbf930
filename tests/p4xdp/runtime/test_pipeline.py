"""The forwarding pipeline config: told, accepted when it is ours, refused when it is not."""

from __future__ import annotations

import grpc
import pytest
from finsy.proto import p4i, p4r

from p4xdp.runtime import serve
from p4xdp.runtime.pipeline import with_sizes

SET = p4r.SetForwardingPipelineConfigRequest
GET = p4r.GetForwardingPipelineConfigRequest

ENTRY = (
    r"table_id: 0x02000002 match { field_id: 1 exact { value: '\x01' } } "
    r"action { action { action_id: 0x01000002 params { param_id: 1 value: 'a' } } }"
)


@pytest.fixture
def set_config(client, p4info):
    async def set_config(action, *, info=p4info, device_config=b"", cookie=0, election_id=1):
        request = SET(device_id=1, action=action)
        request.election_id.low = election_id
        if info is not None:
            request.config.p4info.CopyFrom(info)
            request.config.p4_device_config = device_config
            request.config.cookie.cookie = cookie
        return await client.stub.SetForwardingPipelineConfig(request)

    return set_config


@pytest.fixture
def get_config(client):
    async def get_config(response_type=GET.ALL, device_id=1):
        request = GET(device_id=device_id, response_type=response_type)
        return (await client.stub.GetForwardingPipelineConfig(request)).config

    return get_config


async def status(awaitable):
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await awaitable
    return caught.value.code().name


@pytest.mark.clause(
    "GetForwardingPipelineConfig", "the cookie is unset as long as no client has set one"
)
async def test_the_pipeline_is_there_from_the_start_without_a_cookie(get_config, p4info):
    config = await get_config()
    assert config.p4info == p4info
    assert config.p4_device_config == b"manifest"
    assert not config.HasField("cookie")


@pytest.mark.parametrize(
    ("response_type", "has_info", "has_device_config"),
    [
        pytest.param(GET.COOKIE_ONLY, False, False, id="cookie"),
        pytest.param(GET.P4INFO_AND_COOKIE, True, False, id="p4info"),
        pytest.param(GET.DEVICE_CONFIG_AND_COOKIE, False, True, id="device config"),
    ],
)
@pytest.mark.clause(
    "GetForwardingPipelineConfig",
    "ALL, COOKIE_ONLY, P4INFO_AND_COOKIE, DEVICE_CONFIG_AND_COOKIE fill what they name",
)
async def test_only_what_is_asked_for_is_told(
    client, set_config, get_config, response_type, has_info, has_device_config
):
    await set_config(SET.RECONCILE_AND_COMMIT, cookie=7)
    config = await get_config(response_type)
    assert config.HasField("p4info") == has_info
    assert bool(config.p4_device_config) == has_device_config
    assert config.HasField("cookie")


@pytest.mark.clause("GetForwardingPipelineConfig", "an unknown device: NOT_FOUND")
async def test_another_device_is_not_found(get_config):
    assert await status(get_config(device_id=2)) == "NOT_FOUND"


@pytest.mark.clause(
    "SetForwardingPipelineConfig", "RECONCILE_AND_COMMIT keeps the forwarding state"
)
@pytest.mark.clause("GetForwardingPipelineConfig", "the cookie set last is returned")
async def test_reconciling_keeps_the_state_and_takes_the_cookie(
    client, set_config, get_config, table_entry
):
    await client.write((p4r.Update.INSERT, table_entry(ENTRY)))
    await set_config(SET.RECONCILE_AND_COMMIT, cookie=77)
    assert (await get_config()).cookie.cookie == 77
    assert len(await client.entries()) == 1


@pytest.mark.clause("SetForwardingPipelineConfig", "VERIFY_AND_COMMIT clears the forwarding state")
async def test_committing_clears_everything_written(client, set_config, dataplane, table_entry):
    modify = p4r.Update.MODIFY
    await client.write(
        (p4r.Update.INSERT, table_entry(ENTRY)),
        (
            modify,
            table_entry(
                "table_id: 0x02000004 is_default_action: true "
                "action { action { action_id: 0x01000003 } }"
            ),
        ),
        (modify, table_entry("meter_id: 0x14000001 config { cir: 1 }", p4r.MeterEntry)),
        (modify, table_entry("counter_id: 0x12000001 data { byte_count: 1 }", p4r.CounterEntry)),
    )
    await set_config(SET.VERIFY_AND_COMMIT, device_config=b"manifest", cookie=5)
    assert await client.entries() == []
    assert not any(dataplane.tables.values())
    assert dataplane.defaults["Ingress.knob"] == ("Ingress.forward", (5, 6))
    assert set(dataplane.meters.values()) == {None}
    assert {c.octets for c in dataplane.counters["Egress.usage"].values()} == {0}


@pytest.mark.clause("SetForwardingPipelineConfig", "VERIFY changes nothing")
@pytest.mark.clause(
    "SetForwardingPipelineConfig",
    "COMMIT realises what VERIFY_AND_SAVE saved: NOT_FOUND without, INVALID_ARGUMENT with a config",
)
async def test_a_config_is_verified_saved_and_committed_later(set_config, get_config):
    before = (await get_config()).cookie.cookie
    assert await status(set_config(SET.COMMIT, info=None)) == "NOT_FOUND"
    await set_config(SET.VERIFY, cookie=3)
    await set_config(SET.VERIFY_AND_SAVE, cookie=4)
    assert (await get_config()).cookie.cookie == before
    await set_config(SET.COMMIT, info=None)
    assert (await get_config()).cookie.cookie == 4
    assert await status(set_config(SET.COMMIT)) == "INVALID_ARGUMENT"


@pytest.mark.clause(
    "SetForwardingPipelineConfig",
    "a config that cannot be realised, or none: INVALID_ARGUMENT, and the state stays",
)
async def test_another_program_is_refused(set_config, p4info, client, table_entry):
    await client.write((p4r.Update.INSERT, table_entry(ENTRY)))
    p4info.actions[0].params[0].bitwidth += 1
    for action in (SET.VERIFY, SET.VERIFY_AND_SAVE, SET.VERIFY_AND_COMMIT):
        assert await status(set_config(action)) == "INVALID_ARGUMENT"
    assert await status(set_config(SET.VERIFY_AND_COMMIT, info=p4i.P4Info())) == "INVALID_ARGUMENT"
    assert await status(set_config(SET.VERIFY, info=None)) == "INVALID_ARGUMENT"
    assert len(await client.entries()) == 1


async def test_code_from_the_network_is_refused(set_config):
    code = set_config(SET.VERIFY_AND_COMMIT, device_config=b"\x7fELF")
    assert await status(code) == "INVALID_ARGUMENT"


async def test_order_and_sizes_do_not_make_another_program(set_config, p4info):
    tables = list(p4info.tables)
    tables[0].size += 1
    del p4info.tables[:]
    p4info.tables.extend(reversed(tables))
    await set_config(SET.VERIFY_AND_COMMIT)


@pytest.mark.clause("SetForwardingPipelineConfig", "not the primary: PERMISSION_DENIED")
@pytest.mark.clause("SetForwardingPipelineConfig", "an action that is not set: INVALID_ARGUMENT")
async def test_only_the_primary_sets_the_config(set_config):
    assert await status(set_config(SET.VERIFY_AND_COMMIT, election_id=2)) == "PERMISSION_DENIED"
    assert await status(set_config(SET.UNSPECIFIED)) == "INVALID_ARGUMENT"


async def test_sizes_chosen_at_the_start_are_told_and_in_force(dataplane, p4info, new_client):
    sized = with_sizes(p4info, {"Egress.usage": 99, "Ingress.sessions": 7})
    assert sized.counters[0].size == 99
    assert sized.tables[0].size == 7
    assert p4info.counters[0].size == 10
    with pytest.raises(ValueError, match="is called nothing"):
        with_sizes(p4info, {"nothing": 1})


@pytest.mark.clause(
    "Capabilities", "the version of the API, as a semantic version; an unknown device: NOT_FOUND"
)
async def test_capabilities_tell_the_version(client):
    answer = await client.stub.Capabilities(p4r.CapabilitiesRequest())
    assert answer.p4runtime_api_version == "1.5.0"
    unknown = client.stub.Capabilities(p4r.CapabilitiesRequest(device_id=9))
    assert await status(unknown) == "NOT_FOUND"


async def test_a_p4info_with_what_cannot_be_served_is_refused(dataplane, p4info):
    from p4xdp.runtime import SchemaError

    p4info.tables[0].implementation_id = 0x11000001
    with pytest.raises(SchemaError, match="unknown action profile"):
        await serve(dataplane, p4info, listen="127.0.0.1:0")
