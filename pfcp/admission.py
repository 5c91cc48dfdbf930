"""Who may speak, and how much: an allow-list of peers and a message rate for each host.

A host over its rate is shed, never the others: each has a token bucket of its own. What is shed is
not answered, so the peer's own T1 brings a request again.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

HOSTS_KEPT = 4096
"""Bound on the buckets kept; who was silent longest starts with a full bucket again."""

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Rate:
    """Messages a host may send: `messages_per_s` for ever, `burst` of them at once."""

    messages_per_s: float
    burst: int

    def __post_init__(self) -> None:
        if self.messages_per_s <= 0 or self.burst < 1:
            raise ValueError(f"{self} lets nothing through: give a positive rate and burst")


class Admission:
    """The door of an endpoint. `is_allowed` judges a host; without a `rate` none is shed."""

    def __init__(
        self,
        *,
        rate: Rate | None = None,
        is_allowed: Callable[[str], bool] = lambda _: True,
        hosts_kept: int = HOSTS_KEPT,
    ) -> None:
        self.is_allowed = is_allowed
        self._rate = rate
        self._hosts_kept = hosts_kept
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, host: str, now: float) -> bool:
        """Whether one more message of this host is within its rate."""
        if self._rate is None:
            return True
        tokens, since = self._buckets.pop(host, (float(self._rate.burst), now))
        # A clock that steps back earns nothing and costs nothing.
        earned = max(0.0, now - since) * self._rate.messages_per_s
        tokens = min(float(self._rate.burst), tokens + earned)
        is_within = tokens >= 1
        self._buckets[host] = (tokens - 1 if is_within else tokens, now)
        if len(self._buckets) > self._hosts_kept:
            self._buckets.popitem(last=False)
        return is_within


def allow_list(networks: Iterable[Network]) -> Callable[[str], bool]:
    """Judge of hosts for `Admission`: those inside any of the networks, mapped IPv4 included."""
    allowed = tuple(networks)

    @lru_cache(maxsize=HOSTS_KEPT)
    def is_allowed(host: str) -> bool:
        address = ip_address(host)
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in allowed)

    return is_allowed
