"""What clients send is taken as the document says, without guesses."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from api.schemas import SliceBody
from api.session_schemas import AssociationSetup
from api.trace_schemas import PacketDescription


@pytest.mark.parametrize(
    ("model", "body", "field"),
    [
        (SliceBody, {"sst": "1"}, "sst"),
        (SliceBody, {"sst": 1, "uplink_mbps": "20"}, "uplink_mbps"),
        (SliceBody, {"sst": 1, "max_sessions": True}, "max_sessions"),
        (AssociationSetup, {"address": 170_000_000}, "address"),
        (AssociationSetup, {"address": "10.0.0.1", "port": "8805"}, "port"),
        (PacketDescription, {"direction": "uplink", "ue": 5}, "ue"),
        (PacketDescription, {"direction": "uplink", "protocol": True}, "protocol"),
    ],
    ids=str,
)
def test_a_value_of_another_kind_is_refused_where_it_stands(model, body, field):
    with pytest.raises(ValidationError) as caught:
        model.model_validate(body)
    assert [each["loc"][0] for each in caught.value.errors()] == [field]


def test_a_whole_number_is_a_rate_and_null_no_limit():
    body = SliceBody.model_validate({"sst": None, "uplink_mbps": 20, "downlink_mbps": None})
    assert (body.uplink_mbps, body.downlink_mbps) == (20.0, None)


@pytest.mark.parametrize("since", ["0.001", "2026-05-01", "1700000000", "2026-05-01T12:00:00"])
async def test_a_time_is_one_of_rfc_3339(http, since):
    answer = await http.get("/v1/associations", params={"since": since})
    assert answer.status_code == 422
    assert "since" in answer.json()["detail"]
    assert (await http.get("/v1/associations?since=2026-05-01T12:00:00Z")).status_code == 200
