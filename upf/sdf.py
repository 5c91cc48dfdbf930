"""SDF filters: IPFilterRule as 3GPP uses it (TS 29.212 clause 5.4.2) and what stands beside it
(TS 29.244 clause 8.2.5), read into what a filter table can match.

`remote` and `local` are as in the downlink: from the remote end to the UE. A PDR that detects
traffic of the UE has them swapped (TS 29.244 clause 5.2.1A.2A). A filter that cannot be expressed
is refused, never widened.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_network

from upf.errors import RuleError, UnsupportedError
from upf.rules import ANY_PORTS, IPNetwork, PortRange, SDFFilter

SDF_FILTER_IE = 23

_FLOW_DESCRIPTION = re.compile(
    r"permit\s+out\s+(?P<protocol>[\w-]+)"
    r"\s+from\s+(?P<remote>\S+)(?P<remote_ports>(?:\s+\d[\d,-]*)?)"
    r"\s+to\s+(?P<local>\S+)(?P<local_ports>(?:\s+\d[\d,-]*)?)\s*"
)
_PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
PROTOCOL_ESP = 50
PROTOCOL_ICMPV6 = 58
_PROTOCOLS = {
    "icmp": 1,
    "igmp": 2,
    "tcp": 6,
    "udp": 17,
    "gre": 47,
    "esp": PROTOCOL_ESP,
    "ah": 51,
    "icmpv6": PROTOCOL_ICMPV6,
    "ipv6-icmp": PROTOCOL_ICMPV6,
    "sctp": 132,
    "udplite": 136,
}
_MAX_RANGES = 16


@lru_cache(maxsize=1024)
def parse_flow_description(
    text: str,
    *,
    filter_id: int | None = None,
    traffic_class: tuple[int, int] | None = None,
    spi: int | None = None,
    flow_label: int | None = None,
    rule: str | None = None,
) -> SDFFilter:
    """Read a flow description, of a predefined rule's if one is named; RuleError if it is none.

    `traffic_class` is value and mask of TOS or traffic class, `spi` a security parameter index.
    """
    match = _FLOW_DESCRIPTION.fullmatch(text.strip())
    if match is None:
        raise RuleError(
            f"flow description {text!r} is not of the form 'permit out PROTOCOL from ADDRESS "
            "[PORTS] to ADDRESS [PORTS]'",
            offending_ie=SDF_FILTER_IE,
        )
    remote, local = _network(match["remote"]), _network(match["local"])
    if remote is not None and local is not None and remote.version != local.version:
        raise RuleError(
            f"flow description {text!r} is from IPv{remote.version} to IPv{local.version}",
            offending_ie=SDF_FILTER_IE,
        )
    protocol = _protocol(match["protocol"])
    remote_ports, local_ports = _ports(match["remote_ports"]), _ports(match["local_ports"])
    if spi is not None:
        if protocol not in (None, PROTOCOL_ESP) or (remote_ports, local_ports) != (ANY_PORTS,) * 2:
            raise UnsupportedError(
                f"a security parameter index beside {text!r} is not served, beside ESP it is",
                offending_ie=SDF_FILTER_IE,
            )
        protocol = PROTOCOL_ESP
    return SDFFilter(
        text=text,
        filter_id=filter_id,
        protocol=protocol,
        remote=remote,
        local=local,
        remote_ports=remote_ports,
        local_ports=local_ports,
        traffic_class=traffic_class,
        spi=spi,
        flow_label=flow_label,
        rule=rule,
    )


def _protocol(text: str) -> int | None:
    """The protocol number, None for `ip`."""
    if text == "ip":
        return None
    number = int(text) if text.isdecimal() else _PROTOCOLS.get(text.lower())
    if number is None or number > 255:
        raise RuleError(
            f"{text!r} in a flow description is no protocol: write its number or ip",
            offending_ie=SDF_FILTER_IE,
        )
    return number


def _ports(text: str) -> tuple[PortRange, ...]:
    """The ports listed, every one if none is."""
    if not text.strip():
        return ANY_PORTS
    ranges = []
    for part in text.strip().split(","):
        match = _PORTS.fullmatch(part)
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not low <= high <= 65535:
            raise RuleError(
                f"{part!r} in a flow description is neither a port nor a range of ports",
                offending_ie=SDF_FILTER_IE,
            )
        ranges.append((low, high))
    if len(ranges) > _MAX_RANGES:
        raise UnsupportedError(
            f"a flow description with more than {_MAX_RANGES} ranges of ports is not served",
            offending_ie=SDF_FILTER_IE,
        )
    return tuple(ranges)


def _network(text: str) -> IPNetwork | None:
    """The network written, None for `any` and `assigned`: the UE is found by its address anyway."""
    if text in {"any", "assigned"}:
        return None
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise RuleError(
            f"{text!r} in a flow description is no address, 'any' or 'assigned'",
            offending_ie=SDF_FILTER_IE,
        ) from error
