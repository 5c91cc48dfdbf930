"""What an SDF filter can match: IPFilterRule as 3GPP uses it (TS 29.212 clause 5.4.2).

Only as much is told apart as decides whether the one-lookup path can serve a PDR: everything,
nothing but IPv6, or something between.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network

from upf.errors import RuleError
from upf.rules import SDFFilter

SDF_FILTER_IE = 23

_FLOW_DESCRIPTION = re.compile(
    r"permit\s+out\s+(?P<protocol>\w+)"
    r"\s+from\s+(?P<remote>\S+)(?P<remote_ports>(?:\s+[\d,-]+)?)"
    r"\s+to\s+(?P<local>\S+)(?P<local_ports>(?:\s+[\d,-]+)?)\s*"
)


def parse_flow_description(
    text: str, *, filter_id: int | None = None, has_other_criteria: bool = False
) -> SDFFilter:
    """Judge a flow description; RuleError if it is none.

    `has_other_criteria`: TOS, SPI or flow label were given beside it.
    """
    match = _FLOW_DESCRIPTION.fullmatch(text.strip())
    if match is None:
        raise RuleError(
            f"flow description {text!r} is not of the form 'permit out PROTOCOL from ADDRESS "
            "[PORTS] to ADDRESS [PORTS]'",
            offending_ie=SDF_FILTER_IE,
        )
    networks = [_network(match["remote"]), _network(match["local"])]
    has_ports = bool(match["remote_ports"] or match["local_ports"])
    return SDFFilter(
        text,
        is_match_all=(
            match["protocol"] == "ip"
            and not has_ports
            and not has_other_criteria
            and all(network is None or network.prefixlen == 0 for network in networks)
            and not any(isinstance(network, IPv6Network) for network in networks)
        ),
        is_ipv6_only=any(isinstance(network, IPv6Network) for network in networks),
        filter_id=filter_id,
    )


def _network(text: str) -> IPv4Network | IPv6Network | None:
    """The network written, None for `any` and `assigned`."""
    if text in {"any", "assigned"}:
        return None
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise RuleError(
            f"{text!r} in a flow description is no address, 'any' or 'assigned'",
            offending_ie=SDF_FILTER_IE,
        ) from error
