"""The one slice call that SD-Core's UPF has, for sdcore-adapter and whatever else speaks it.

Keys match in any case, for the adapter writes uplinkMBR and others uplinkMbr. Unlike there, slices
may be many, what cannot be done is told, and a restart forgets nothing.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from api.asked import Asked
from api.node import Node
from api.problems import answers
from api.schemas import DNN, SliceName
from upf.slices import DEFAULT_BURST_MS, Slice

router = APIRouter(prefix="/v1/config/network-slices", tags=["SD-Core"])

_UNITS = {"bps": 1, "kbps": 1_000, "mbps": 1_000_000, "gbps": 1_000_000_000}
_DEFAULT_UNIT = "Mbps"
# Below it a meter keeps no rate.
_MIN_BPS = 1000
_MAX_BPS = 10**12
_MIN_BURST_MS, _MAX_BURST_MS = 1.0, 10_000.0
_EXAMPLE: dict[str, Any] = {
    "sliceName": "sample-slice",
    "sliceQos": {
        "uplinkMBR": 20_000_000,
        "downlinkMBR": 50_000_000,
        "bitrateUnit": "bps",
        "uplinkBurstSize": 625_000,
        "downlinkBurstSize": 625_000,
    },
    "ueResourceInfo": [{"uePoolId": "sample-dg", "dnn": "internet"}],
}


class _AnyCase(Asked):
    """Takes keys in any case; ignores those it does not know."""

    @model_validator(mode="before")
    @classmethod
    def _canonical(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        known = {name.lower(): name for name in cls.model_fields}
        return {known[k.lower()]: v for k, v in value.items() if str(k).lower() in known}


class SliceQos(_AnyCase):
    """Rates in `bitrateUnit`, Mbps if not said; absent, or 0 in a unit above bps: no limit."""

    uplinkMbr: Annotated[int | None, Field(ge=0)] = None  # noqa: N815 - SD-Core's name
    downlinkMbr: Annotated[int | None, Field(ge=0)] = None  # noqa: N815
    bitrateUnit: str = _DEFAULT_UNIT  # noqa: N815
    uplinkBurstSize: Annotated[int | None, Field(ge=0)] = None  # noqa: N815
    downlinkBurstSize: Annotated[int | None, Field(ge=0)] = None  # noqa: N815

    @field_validator("bitrateUnit")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if (value or _DEFAULT_UNIT).lower() not in _UNITS:
            raise ValueError("write bps, Kbps, Mbps or Gbps")
        return value or _DEFAULT_UNIT

    @model_validator(mode="after")
    def _has_rates(self) -> SliceQos:
        for name, rate in (("uplinkMbr", self.uplinkMbr), ("downlinkMbr", self.downlinkMbr)):
            if rate == 0 and self.bitrateUnit.lower() == "bps":
                raise ValueError(f"{name} of 0 bps lets nothing pass: leave it out for no limit")
            if rate and rate * self._unit > _MAX_BPS:
                raise ValueError(f"{name} is over 1000 Gbps: leave it out for no limit")
        return self

    @property
    def _unit(self) -> int:
        return _UNITS[self.bitrateUnit.lower()]

    @property
    def uplink_bps(self) -> int | None:
        return max(self.uplinkMbr * self._unit, _MIN_BPS) if self.uplinkMbr else None

    @property
    def downlink_bps(self) -> int | None:
        return max(self.downlinkMbr * self._unit, _MIN_BPS) if self.downlinkMbr else None

    @property
    def uplink_burst_ms(self) -> float:
        return _burst_ms(self.uplinkBurstSize, self.uplink_bps)

    @property
    def downlink_burst_ms(self) -> float:
        return _burst_ms(self.downlinkBurstSize, self.downlink_bps)


def _burst_ms(octets: int | None, bits_per_s: int | None) -> float:
    """A burst in time at its rate."""
    if not octets or not bits_per_s:
        return DEFAULT_BURST_MS
    return min(max(_MIN_BURST_MS, octets * 8000 / bits_per_s), _MAX_BURST_MS)


class UEResource(_AnyCase):
    """Whose traffic it is: `uePoolId` is taken and not used."""

    uePoolId: str | None = None  # noqa: N815
    dnn: DNN | None = None


class NetworkSlice(_AnyCase):
    """A slice as SD-Core writes it. Without DNNs it covers everything that no other slice does."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    sliceName: SliceName  # noqa: N815
    sliceQos: SliceQos = SliceQos()  # noqa: N815
    ueResourceInfo: Annotated[list[UEResource] | None, Field(max_length=64)] = None  # noqa: N815

    def applied_to(self, held: Slice | None) -> Slice:
        """The slice after this call. What SD-Core does not speak of stays."""
        infos = self.ueResourceInfo or []
        return replace(
            held or Slice(name=self.sliceName, s_nssai=None),
            dnns=tuple(dict.fromkeys(each.dnn for each in infos if each.dnn is not None)),
            uplink_bps=self.sliceQos.uplink_bps,
            downlink_bps=self.sliceQos.downlink_bps,
            uplink_burst_ms=self.sliceQos.uplink_burst_ms,
            downlink_burst_ms=self.sliceQos.downlink_burst_ms,
        )


class Created(BaseModel):
    """What SD-Core expects to read."""

    message: str = "Status Created"


_ANSWERS = answers(HTTPStatus.INSUFFICIENT_STORAGE, HTTPStatus.SERVICE_UNAVAILABLE)


@router.post(
    "",
    summary="Make or change a slice",
    operation_id="post_sdcore_slice",
    status_code=HTTPStatus.CREATED,
    responses=_ANSWERS,
)
async def post_slice(body: NetworkSlice, node: Node) -> Created:
    await node.change_slice(body.sliceName, body.applied_to)
    return Created()


@router.put(
    "",
    summary="Make or change a slice",
    operation_id="put_sdcore_slice",
    status_code=HTTPStatus.CREATED,
    responses=_ANSWERS,
)
async def put_slice(body: NetworkSlice, node: Node) -> Created:
    await node.change_slice(body.sliceName, body.applied_to)
    return Created()
