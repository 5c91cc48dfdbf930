"""The part of the configuration that rules of sessions refer to by name, and UE pools."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from upf.config_table import Name, Table
from upf.errors import UPFError
from upf.provisions import ForwardingPolicy, PredefinedRule
from upf.rules import QER, SDFFilter
from upf.sdf import parse_flow_description
from upf.ue_pools import UE_PREFIX_BITS


class UEPoolConfig(Table):
    """Addresses of UEs of a DNN. The SMF gives them, or with `allocate` this UPF where the SMF asks
    it to. What one UE sends to another of a pool stays within the UPF.
    """

    prefix: IPv4Network | IPv6Network
    network_instance: Name | None = None
    allocate: bool = False

    @model_validator(mode="after")
    def _holds_prefixes(self) -> UEPoolConfig:
        if self.allocate and self.prefix.version == 6 and self.prefix.prefixlen > UE_PREFIX_BITS:
            raise ValueError(f"each UE gets a /{UE_PREFIX_BITS} of an IPv6 pool: make it larger")
        return self


def _are_flows(flows: tuple[str, ...]) -> tuple[str, ...]:
    for each in flows:
        try:
            parse_flow_description(each)
        except UPFError as error:
            raise ValueError(str(error)) from error
    return flows


class ApplicationConfig(Table):
    """An application known by its id without the SMF describing it. `flows` are as in SDF filters:
    "permit out 17 from 203.0.113.0/24 to assigned".
    """

    id: Name
    flows: Annotated[tuple[str, ...], Field(min_length=1)]

    _flows = field_validator("flows")(_are_flows)

    @property
    def filters(self) -> tuple[SDFFilter, ...]:
        return tuple(map(parse_flow_description, self.flows))


class PredefinedRuleConfig(Table):
    """A rule that PDRs activate by its name: they match its `flows` too, which are marked with its
    QFI and held to its rates, or dropped.
    """

    name: Name
    flows: tuple[str, ...] = ()
    action: Literal["forward", "drop"] = "forward"
    qfi: Annotated[int, Field(ge=1, le=63)] | None = None
    uplink_kbps: Annotated[int, Field(gt=0)] | None = None
    downlink_kbps: Annotated[int, Field(gt=0)] | None = None

    _flows = field_validator("flows")(_are_flows)

    def to_rule(self, qer_id: int) -> PredefinedRule:
        is_open = self.action == "forward"
        return PredefinedRule(
            name=self.name,
            filters=tuple(parse_flow_description(each, rule=self.name) for each in self.flows),
            qer=QER(
                qer_id=qer_id,
                is_uplink_open=is_open,
                is_downlink_open=is_open,
                qfi=self.qfi,
                mbr_uplink_kbps=self.uplink_kbps,
                mbr_downlink_kbps=self.downlink_kbps,
            ),
        )


class VNGroupConfig(Table):
    """A 5G VN group (TS 23.501 clause 5.29): FARs to "5G VN internal" that name it as their network
    instance lead to PDRs of others that name it.
    """

    name: Name


class ForwardingPolicyConfig(Table):
    """Where a FAR that names this policy sends packets in a data network, whatever its routes say:
    to `next_hops`, at most one of each version of IP.
    """

    id: Annotated[str, Field(min_length=1, max_length=255)]
    network_instance: Name | None = None
    next_hops: Annotated[tuple[IPv4Address | IPv6Address, ...], Field(min_length=1, max_length=2)]

    @field_validator("next_hops")
    @classmethod
    def _differ(
        cls, value: tuple[IPv4Address | IPv6Address, ...]
    ) -> tuple[IPv4Address | IPv6Address, ...]:
        if len({each.version for each in value}) < len(value):
            raise ValueError("write at most one next hop of each version of IP")
        return value

    def to_policy(self, network_instance_id: int, route_instance_id: int) -> ForwardingPolicy:
        return ForwardingPolicy(self.id, network_instance_id, route_instance_id, self.next_hops)
