"""What the operator configured and rules refer to by name: predefined rules, forwarding policies.

And applications, which the operator or a CP function describes by packet flow descriptions
(TS 29.244 clause 6.2.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from upf.errors import (
    ForwardingPolicyError,
    UnknownApplicationError,
    UnknownPredefinedRuleError,
    UnsupportedError,
)
from upf.rules import QER, IPAddress, SDFFilter
from upf.sdf import parse_flow_description

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pfcp import ies, messages


PFD_CONTENTS_IE = 61
# An identifier of a rule that is predefined here has its first bit set (TS 29.244 clause 8.2.75).
PREDEFINED_ID = 1 << 31

Described: TypeAlias = "dict[bytes, tuple[SDFFilter, ...]]"


@dataclass(frozen=True, slots=True)
class PredefinedRule:
    """What activating a rule adds to a PDR: filters, and a QER."""

    name: str
    filters: tuple[SDFFilter, ...]
    qer: QER


@dataclass(frozen=True, slots=True)
class ForwardingPolicy:
    """Next hops in a data network, which `route_instance_id` leads to whatever the destination."""

    identifier: str
    network_instance_id: int
    route_instance_id: int
    next_hops: tuple[IPAddress, ...]

    def next_hop(self, version: int) -> IPAddress | None:
        """The next hop of a version of IP."""
        return next((each for each in self.next_hops if each.version == version), None)


@dataclass(frozen=True, slots=True)
class Provisions:
    """What is configured, by name."""

    predefined: Mapping[str, PredefinedRule]
    policies: Mapping[str, ForwardingPolicy]

    def predefined_rule(self, name: bytes) -> PredefinedRule:
        """The rule of a name; UnknownPredefinedRuleError without."""
        found = self.predefined.get(name.decode("utf-8", "replace"))
        if found is None:
            raise UnknownPredefinedRuleError(
                f"there is no predefined rule {name!r}: write [[predefined_rule]]", offending_ie=106
            )
        return found

    def policy(self, identifier: bytes) -> ForwardingPolicy:
        """The policy of an identifier; ForwardingPolicyError without."""
        found = self.policies.get(identifier.decode("utf-8", "replace"))
        if found is None:
            raise ForwardingPolicyError(
                f"there is no forwarding policy {identifier!r}: write [[forwarding_policy]]",
                offending_ie=41,
            )
        return found


NO_PROVISIONS = Provisions({}, {})


class Applications:
    """Applications by id: those each CP function described, and those configured, for any."""

    def __init__(self, configured: Described | None = None) -> None:
        self._configured = configured or {}
        self._described: dict[object, Described] = {}

    def filters(self, owner: object, application_id: bytes) -> tuple[SDFFilter, ...]:
        """What an application of a CP function looks like; UnknownApplicationError without."""
        found = self.find(owner, application_id)
        if found is None:
            raise UnknownApplicationError(
                f"there is no application {application_id!r}", offending_ie=24
            )
        return found

    def find(self, owner: object, application_id: bytes) -> tuple[SDFFilter, ...] | None:
        """What an application of a CP function looks like; None if nobody described it."""
        own = self._described.get(owner, {})
        return own.get(application_id, self._configured.get(application_id))

    def of(self, owner: object) -> Described:
        """What a CP function described."""
        return dict(self._described.get(owner, {}))

    def replace(self, owner: object, described: Described) -> None:
        """Know these applications of a CP function and no others."""
        self._described[owner] = described

    def forget(self, owner: object) -> None:
        """Forget what a CP function described."""
        self._described.pop(owner, None)


def described_anew(before: Described, request: messages.PFDManagementRequest) -> Described:
    """What a CP function's applications look like after a request (TS 29.244 clause 6.2.5.3).

    One named anew replaces the old, one without contexts goes; without any application all go.
    UnsupportedError if one is described by what packets do not show.
    """
    if not request.application_ids_pfds:
        return {}
    after = dict(before)
    for each in request.application_ids_pfds:
        contents = [content for context in each.pfd_contexts for content in context.pfd_contents]
        if contents:
            after[each.application_id] = tuple(_filters(contents))
        else:
            after.pop(each.application_id, None)
    return after


def _filters(contents: Iterable[ies.PFDContents]) -> Iterable[SDFFilter]:
    for each in contents:
        flows = [each.flow_description, *(each.additional_flow_descriptions or ())]
        found = [flow for flow in flows if flow is not None]
        others = (each.url, each.domain_name, each.custom_pfd_content, each.additional_urls)
        if not found or any(others) or each.additional_domain_names_and_protocols:
            raise UnsupportedError(
                "an application is described by flow descriptions alone: packets show no URLs and "
                "domain names",
                offending_ie=PFD_CONTENTS_IE,
            )
        for flow in found:
            yield parse_flow_description(flow)
