"""What REST tells of the path of a packet."""

from __future__ import annotations

import pytest

from upf.errors import TargetError


async def traced(http, **body):
    answer = await http.post("/v1/trace", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_described_packet_is_told_step_by_step(http) -> None:
    told = await traced(http, direction="uplink", teid="dead", ue="10.45.0.2", remote="10.9.9.9")
    assert told["fate"] == "shown"
    assert told["shown_for"] == "unknown_tunnel"
    assert told["interface"] == "n3"
    assert told["up_seid"] is told["out_hex"] is told["way"] is None
    steps = {step["name"].rpartition(".")[2]: step for step in told["steps"]}
    assert steps["ports"]["meaning"] == "came in by n3, on the access side"
    assert steps["ports"]["params"]["own_mac"] == 0x0200000000C1
    lookup = steps["sessions_by_fteid"]
    assert (lookup["kind"], lookup["stage"], lookup["is_hit"]) == ("table", "detection", False)
    assert lookup["key"] == {"endpoint_id": 1, "teid": 0xDEAD}
    assert lookup["action"] == "unknown_tunnel"


async def test_a_frame_in_hex_is_taken_as_it_is(http) -> None:
    frame = "ffffffffffff" + "020000000099" + "0806" + "00" * 28
    told = await traced(http, interface="n6", hex=frame)
    assert (told["fate"], told["hex"]) == ("host", frame)


async def test_large_numbers_are_written_in_hex(http) -> None:
    told = await traced(http, direction="downlink", ue="2001:db8::1", remote="2001:db8::2")
    keys = [step["key"] for step in told["steps"] if "endpoints_ipv6" in step["name"]]
    assert keys[0]["ipv6_addr"] == "0x20010db8000000000000000000000001"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "direction: Field required"),
        ({"direction": "sideways"}, "direction"),
        ({"direction": "uplink", "ue": "10.45.0.9"}, "no session with the UE address 10.45.0.9"),
        ({"direction": "downlink"}, "say which UE"),
        ({"direction": "downlink", "ue": "10.45.0.2", "interface": "n9"}, "only n3, n6"),
        ({"direction": "downlink", "ue": "10.45.0.2", "size": 100_000}, "size"),
        ({"direction": "downlink", "ue": "10.45.0.2", "colour": "red"}, "colour: Extra inputs"),
        ({"interface": "n3", "hex": "0"}, "hex"),
        ({"interface": "n3", "hex": "00" * 10_000}, "hex"),
        ({"hex": "00" * 64}, "interface: Field required"),
        ([], "body"),
        ("uplink", "body"),
    ],
)
async def test_what_cannot_be_traced_is_told_in_a_problem(http, body, told) -> None:
    answer = await http.post("/v1/trace", json=body)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]


async def test_a_switch_that_does_not_answer_is_told(http, upf, switch_gone) -> None:
    async def trace(_wanted):
        raise TargetError(str(switch_gone))

    upf.trace = trace
    answer = await http.post("/v1/trace", json={"direction": "downlink", "ue": "10.45.0.2"})
    assert answer.status_code == 503


async def test_the_examples_of_the_document_work(http) -> None:
    document = (await http.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    description, frame = schemas["PacketToTrace"]["examples"]
    assert (await http.post("/v1/trace", json=frame)).status_code == 200
    # No session here has that UE.
    assert (await http.post("/v1/trace", json=description)).status_code == 422
    answers = document["paths"]["/v1/trace"]["post"]["responses"]
    example = answers["200"]["content"]["application/json"]["example"]
    assert example.keys() == schemas["TraceBody"]["properties"].keys()
