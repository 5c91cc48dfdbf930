"""What sessions take of this UPF: SEIDs, tunnel endpoints, usage counters.

A request takes through `RequestResources`; what it took goes back unless it is kept.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Network
from typing import TYPE_CHECKING

from upf.allocator import FTEIDAllocator, SEIDAllocator
from upf.errors import FTEIDAllocationError, RuleError
from upf.networks import Role
from upf.provisions import Applications
from upf.rules import ChooseKey, Interface, LocalFTEID
from upf.ue_pools import UEPools

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import ExitStack

    from pfcp import ies
    from upf.metering import UsageCounters
    from upf.networks import Networks
    from upf.rules import SDFFilter
    from upf.session import Session
    from upf.ue_pools import UEAddress

FTEID_IE = 21


class Resources:
    """The pools that all sessions share."""

    def __init__(
        self,
        networks: Networks,
        counters: UsageCounters,
        ue_pools: UEPools | None = None,
        applications: Applications | None = None,
    ) -> None:
        self.networks = networks
        self.applications = applications or Applications()
        self.ue_pools = ue_pools or UEPools()
        self.counters = counters
        self.seids = SEIDAllocator()
        self.fteids = FTEIDAllocator()

    def take_seid(self, wanted: int | None, undo: ExitStack) -> int:
        """A new SEID, or the one wanted if nobody has it."""
        if wanted is None or not self.seids.claim(wanted):
            wanted = self.seids.allocate()
        undo.callback(self.seids.release, wanted)
        return wanted

    def restore(self, session: Session) -> None:
        """Take what a session of an earlier run has. RuleError if its tunnels or its addresses are
        not ours any more.
        """
        self.seids.claim(session.up_seid)
        for fteid in session.local_fteids | set(session.chosen_fteids.values()):
            endpoint = self.networks.endpoint_at(fteid.address)
            if endpoint is None or endpoint.endpoint_id != fteid.endpoint_id:
                raise RuleError(f"{fteid.address} is not the GTP-U address any more that it was")
            self.fteids.claim(endpoint, fteid.teid, session.up_seid)
        for allocated in session.allocated.values():
            if not self.ue_pools.claim(allocated):
                raise RuleError(f"{allocated.address} is in no pool any more, or another UE's")

    def release_fteids(self, fteids: Iterable[LocalFTEID]) -> None:
        """Give back tunnel endpoints that no session names any more."""
        for fteid in fteids:
            self.fteids.release(fteid)


class RequestResources:
    """What one request takes for one session. `chosen` has every F-TEID chosen for it so far,
    `allocated` every address given to its UE, by version of IP.
    """

    def __init__(
        self, resources: Resources, session: Session, undo: ExitStack, owner: ies.NodeID
    ) -> None:
        self.provisions = resources.networks.provisions
        self._owner = owner
        self.chosen = dict(session.chosen_fteids)
        self.allocated = dict(session.allocated)
        self._dnn = session.dnn
        self._resources = resources
        self._up_seid = session.up_seid
        self._held = session.local_fteids | set(self.chosen.values())
        self._undo = undo

    def usage_id(self, *, is_metered: bool) -> int:
        """A usage counter for a new PDR."""
        usage_id = self._resources.counters.allocate(is_metered=is_metered)
        self._undo.callback(self._resources.counters.release, usage_id)
        return usage_id

    def application_filters(self, application_id: bytes) -> tuple[SDFFilter, ...]:
        """What an application looks like."""
        return self._resources.applications.filters(self._owner, application_id)

    def ue_ipv4(self, network_instance: str | None) -> IPv4Address:
        """The UE's IPv4 address from a pool of ours, one for all its PDRs."""
        address = self._ue_address(4, network_instance)
        assert isinstance(address, IPv4Address)
        return address

    def ue_ipv6(self, network_instance: str | None) -> IPv6Network:
        """The UE's /64 from a pool of ours, one for all its PDRs."""
        address = self._ue_address(6, network_instance)
        assert isinstance(address, IPv6Network)
        return address

    def _ue_address(self, version: int, network_instance: str | None) -> UEAddress:
        if version not in self.allocated:
            pools = self._resources.ue_pools
            taken = pools.take(version, self._data_networks(network_instance))
            self._undo.callback(pools.release, taken)
            self.allocated[version] = taken
        return self.allocated[version].address

    def _data_networks(self, network_instance: str | None) -> Sequence[str | None]:
        """The data networks a UE may be meant to have an address of: the one the PDR names, the
        session's DNN, else the default. A PDR may name its access network, too.
        """
        networks, pools = self._resources.networks, self._resources.ue_pools
        known = {each.name for each in networks.instances if each.role is Role.CORE}
        known |= {each.network_instance for each in pools.pools}
        named = [name for name in (network_instance, self._dnn) if name and name in known]
        return named or [networks.resolve(Interface.CORE, None).name]

    def local_fteid(
        self, fteid: ies.FTEID, interface: Interface, network_instance: str | None
    ) -> LocalFTEID:
        """The tunnel endpoint that an F-TEID IE asks for or names."""
        if fteid.choose:
            return self._choose(fteid, interface, network_instance)
        address = fteid.ipv4 or fteid.ipv6
        if fteid.teid is None or address is None:
            raise FTEIDAllocationError("an F-TEID names no address", offending_ie=FTEID_IE)
        endpoint = self._resources.networks.endpoint_at(address)
        if endpoint is None:
            raise RuleError(
                f"F-TEID address {address} is none of our GTP-U addresses",
                offending_ie=FTEID_IE,
            )
        return self._taken(self._resources.fteids.claim(endpoint, fteid.teid, self._up_seid))

    def _choose(
        self, fteid: ies.FTEID, interface: Interface, network_instance: str | None
    ) -> LocalFTEID:
        """One F-TEID for each CHOOSE_ID, now and in later requests of the session.

        Without CHOOSE_ID there is one for each source interface: some SMFs take the first they are
        told for the whole session. An address family asked for alone has to be there.
        """
        instance = self._resources.networks.tunnelled(interface, network_instance)
        key = ChooseKey(
            fteid.choose_id,
            interface if fteid.choose_id is None else None,
            instance.network_instance_id,
        )
        if key not in self.chosen:
            if not instance.endpoints:
                raise FTEIDAllocationError(
                    f"no interface of network instance {network_instance!r} has a GTP-U address",
                    offending_ie=FTEID_IE,
                )
            endpoint = instance.endpoints[0]
            if (fteid.choose_ipv6 and not fteid.choose_ipv4 and endpoint.ipv6 is None) or (
                fteid.choose_ipv4 and not fteid.choose_ipv6 and endpoint.ipv4 is None
            ):
                raise FTEIDAllocationError(
                    f"no GTP-U address of the family asked for in network instance "
                    f"{network_instance!r}: set gtpu_address or gtpu_ipv6_address on its interface",
                    offending_ie=FTEID_IE,
                )
            self.chosen[key] = self._taken(self._resources.fteids.allocate(endpoint, self._up_seid))
        return self.chosen[key]

    def _taken(self, fteid: LocalFTEID) -> LocalFTEID:
        if fteid not in self._held:
            self._held |= {fteid}
            self._undo.callback(self._resources.fteids.release, fteid)
        return fteid
