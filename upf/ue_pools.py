"""Addresses and prefixes that this UPF gives to UEs where the SMF asks it to (TS 29.244 §5.21).

A pool belongs to a network instance, so two data networks may have the same addresses.
"""

from __future__ import annotations

from collections import deque
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from upf.errors import AddressesExhaustedError, RuleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from upf.rules import IPNetwork

UE_IP_ADDRESS_IE = 93
UE_PREFIX_BITS = 64

UEAddress: TypeAlias = IPv4Address | IPv6Network


class Allocated(NamedTuple):
    """An address, or a /64, given to a UE: the pool it is of, and itself."""

    pool: int
    address: UEAddress


class UEPool:
    """The addresses of a network, or the /64s of an IPv6 one. One given back is handed out again as
    late as possible. Without the first and the last address of an IPv4 network.
    """

    def __init__(self, prefix: IPNetwork, network_instance: str | None = None) -> None:
        self.prefix = prefix
        self.network_instance = network_instance
        self._taken: set[int] = set()
        self._released: deque[int] = deque()
        if prefix.version == 4:
            has_ends = prefix.prefixlen < 31
            self._next, self._end = int(has_ends), prefix.num_addresses - has_ends
        else:
            self._next, self._end = 0, 1 << max(0, UE_PREFIX_BITS - prefix.prefixlen)

    def take(self) -> UEAddress:
        """An address nobody has; AddressesExhaustedError if there is none."""
        while self._next < self._end:
            index, self._next = self._next, self._next + 1
            if index not in self._taken:
                self._taken.add(index)
                return self._address(index)
        if not self._released:
            raise AddressesExhaustedError(
                f"all addresses of {self.prefix} are given to UEs", offending_ie=UE_IP_ADDRESS_IE
            )
        index = self._released.popleft()
        self._taken.add(index)
        return self._address(index)

    def claim(self, address: UEAddress) -> bool:
        """Take a given address, as restoring a session asks for; False if somebody has it."""
        index = self._index(address)
        if index in self._taken:
            return False
        self._taken.add(index)
        if index in self._released:
            self._released.remove(index)
        return True

    def release(self, address: UEAddress) -> None:
        """Give back what `take` or `claim` gave."""
        index = self._index(address)
        self._taken.remove(index)
        if index < self._next:
            self._released.append(index)

    def has(self, address: UEAddress) -> bool:
        """Whether an address is of this pool."""
        return address.version == self.prefix.version and self._index(address) in range(self._end)

    @property
    def num_taken(self) -> int:
        """How many are given out."""
        return len(self._taken)

    def _address(self, index: int) -> UEAddress:
        if isinstance(self.prefix, IPv4Network):
            return self.prefix[index]
        base = int(self.prefix.network_address) + (index << UE_PREFIX_BITS)
        return IPv6Network((base, UE_PREFIX_BITS))

    def _index(self, address: UEAddress) -> int:
        if isinstance(address, IPv4Address):
            return int(address) - int(self.prefix.network_address)
        distance = int(address.network_address) - int(self.prefix.network_address)
        return distance >> UE_PREFIX_BITS


class UEPools:
    """All pools."""

    def __init__(self, pools: Iterable[UEPool] = ()) -> None:
        self.pools = tuple(pools)

    def take(self, version: int, names: Sequence[str | None]) -> Allocated:
        """An address from the pools of the first of these network instances that has one; a pool
        without a name serves any.

        RuleError if no pool is for any of them, AddressesExhaustedError if all of it is given out.
        """
        ours = [(n, each) for n, each in enumerate(self.pools) if each.prefix.version == version]
        for name in (*(each for each in names if each), None):
            matching = [(n, each) for n, each in ours if each.network_instance == name]
            for number, pool in matching:
                try:
                    return Allocated(number, pool.take())
                except AddressesExhaustedError:
                    if pool is matching[-1][1]:
                        raise
        raise RuleError(
            f"no pool has IPv{version} addresses for {', '.join(filter(None, names)) or 'UEs'}: "
            "write [[ue_pool]] with allocate = true",
            offending_ie=UE_IP_ADDRESS_IE,
        )

    def claim(self, allocated: Allocated) -> bool:
        """Take what a session being restored has; False if it is not ours, or taken."""
        if allocated.pool >= len(self.pools) or not self.pools[allocated.pool].has(
            allocated.address
        ):
            return False
        return self.pools[allocated.pool].claim(allocated.address)

    def release(self, allocated: Allocated) -> None:
        """Give an address back."""
        self.pools[allocated.pool].release(allocated.address)
