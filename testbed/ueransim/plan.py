"""What the lab is to be: network, slices, subscribers and the addresses of everybody. Pure data.

ues  10.100.5.2                core  every network function but the UPF
 |  radio 10.100.5.0/24        |  |
ran  10.100.5.1  -- N2 10.100.2.0/24  | N4 10.100.4.0/24
 |                                |
 +---- N3 10.100.3.0/24 ----- upf +---- N6 10.100.6.0/24 ---- dn
"""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from testbed.topology import DN_ADDRESS, SINGLE_UPF, UPF_N6_ADDRESS, Route, Topology, link
from testbed.upf_process import WITH_ANY_N6

AMF_ADDRESS = IPv4Address("10.100.2.1")
GNB_N2_ADDRESS = IPv4Address("10.100.2.2")
GNB_RADIO_ADDRESS = IPv4Address("10.100.5.1")
UES_RADIO_ADDRESS = IPv4Address("10.100.5.2")

#: The PLMN of tests (999 is given to no country), which UERANSIM reads as decimal numbers.
MCC, MNC, TAC = "999", "70", 1


@dataclass(frozen=True)
class Slice:
    """An S-NSSAI with the one DNN it serves; `sd` is six hex digits, `pool` the UEs' addresses."""

    name: str
    sst: int
    sd: str
    dnn: str
    pool: IPv4Network

    @property
    def gateway(self) -> IPv4Address:
        """The first host of the pool, which SMFs keep for themselves."""
        return self.pool[1]


@dataclass(frozen=True)
class Subscriber:
    """A subscription to one slice; `key` and `opc` are 16 octets in hex (TS 35.206)."""

    imsi: str
    key: str
    opc: str
    slice: Slice

    @property
    def supi(self) -> str:
        """The IMSI as the 5G system writes it (TS 23.003 clause 2.2A)."""
        return f"imsi-{self.imsi}"


INTERNET = Slice("internet", 1, "000001", "internet", IPv4Network("10.45.0.0/16"))
VIDEO = Slice("video", 2, "000002", "video", IPv4Network("10.46.0.0/16"))
SLICES = (INTERNET, VIDEO)

# Subscribers are made up here and live in the lab's own database only.
_KEY, _OPC = "000102030405060708090a0b0c0d0e0f", "101112131415161718191a1b1c1d1e1f"
_FIRST_OF = {INTERNET: 1, VIDEO: 501}
_CROWD_BEGINS = 101


def subscriber(of: Slice, number: int) -> Subscriber:
    """The subscriber of that number, from 0 on, of a slice."""
    return Subscriber(f"{MCC}{MNC}{_FIRST_OF[of] + number:010d}", _KEY, _OPC, of)


def crowd(size: int) -> tuple[Subscriber, ...]:
    """Subscribers with IMSIs one after the other, as one process of many UEs wants them."""
    return tuple(subscriber(INTERNET, _CROWD_BEGINS + each) for each in range(size))


TOPOLOGY = Topology(
    rooms=(*SINGLE_UPF.rooms, "ues"),
    links=(
        *SINGLE_UPF.links,
        link("n2", "10.100.2.1/24", "ran", "10.100.2.2/24", upf_room="core"),
        link("radio", "10.100.5.1/24", "ues", "10.100.5.2/24", upf_room="ran"),
    ),
    routes=(
        Route("upf", IPv4Network("0.0.0.0/0"), DN_ADDRESS),
        *(Route("dn", each.pool, UPF_N6_ADDRESS) for each in SLICES),
    ),
)

#: One N6 for both slices: routes, not network instances, tell where their packets go.
UPF_CONFIGURATION = f"""\
{WITH_ANY_N6}
[[slice]]
name = "internet"
sst = 1
sd = "000001"
dnns = ["internet"]

[[slice]]
name = "video"
sst = 2
sd = "000002"
dnns = ["video"]
"""
