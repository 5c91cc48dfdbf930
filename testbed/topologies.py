"""Labs as data besides the simple one of `testbed.topology`.

`EVERY_RULE`: one UPF with all that rules can name. Two data networks whose UEs have the same
addresses, a tunnel to another UPF, two gNBs, IPv6 beside IPv4.

      gnb 10.100.3.2, .3   ran ── n3 ──┐      ┌── n6 ── dn      10.100.6.2  "internet"
                                      upf ────┤
      smf 10.100.4.1      core ── n4 ──┘      ├── n6b ─ branch  10.100.7.2  "corporate"
                                              └── n9 ── far     10.100.9.2  another UPF

`TWO_UPFS`: an intermediate UPF and a PDU session anchor, each with its N4.

      ran ── n3 ── upf ── n9 ── psa ── n6 ── dn        core ── n4 ── upf, core ── n4b ── psa
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from testbed.topology import UE_POOL, UPF_N6_ADDRESS, Route, Topology, link

GNB2_ADDRESS = IPv4Address("10.100.3.3")
GNB_IPV6 = IPv6Address("fd00:3::2")
UPF_N3_IPV6 = IPv6Address("fd00:3::1")
DN_IPV6 = IPv6Address("fd00:6::2")
UPF_N6_IPV6 = IPv6Address("fd00:6::1")
UE_POOL_IPV6 = IPv6Network("fd00:45::/40")
BRANCH_ADDRESS = IPv4Address("10.100.7.2")
UPF_N6B_ADDRESS = IPv4Address("10.100.7.1")
UPF_N9_ADDRESS = IPv4Address("10.100.9.1")
FAR_UPF_ADDRESS = IPv4Address("10.100.9.2")
PSA_N4_ADDRESS = IPv4Address("10.100.5.2")
SMF_OF_PSA_ADDRESS = IPv4Address("10.100.5.1")

# Hosts behind the data networks' routers: no kernel of the lab has these addresses, or answers.
SERVER_ADDRESS = IPv4Address("192.0.2.1")
SERVER_IPV6 = IPv6Address("2001:db8::1")
BRANCH_SERVER_ADDRESS = IPv4Address("10.200.0.1")

_DEFAULT = IPv4Network("0.0.0.0/0")

EVERY_RULE = Topology(
    rooms=("core", "upf", "ran", "dn", "branch", "far"),
    links=(
        link("n4", "10.100.4.2/24", "core", "10.100.4.1/24 10.100.4.9/24"),
        link(
            *("n3", "10.100.3.1/24 fd00:3::1/64"),
            *("ran", "10.100.3.2/24 10.100.3.3/24 fd00:3::2/64"),
        ),
        link("n6", "10.100.6.1/24 fd00:6::1/64", "dn", "10.100.6.2/24 10.100.6.3/24 fd00:6::2/64"),
        link("n6b", "10.100.7.1/24", "branch", "10.100.7.2/24"),
        link("n9", "10.100.9.1/24", "far", "10.100.9.2/24"),
    ),
    routes=(
        Route("upf", _DEFAULT, IPv4Address("10.100.6.2")),
        Route("upf", IPv6Network("::/0"), DN_IPV6),
        Route("upf", IPv4Network("10.200.0.0/16"), BRANCH_ADDRESS),
        Route("dn", UE_POOL, UPF_N6_ADDRESS),
        Route("dn", UE_POOL_IPV6, UPF_N6_IPV6),
        Route("branch", UE_POOL, UPF_N6B_ADDRESS),
        Route("core", IPv4Network("10.100.3.0/24"), IPv4Address("10.100.4.2")),
    ),
)

TWO_UPFS = Topology(
    rooms=("core", "upf", "psa", "ran", "dn"),
    links=(
        link("n4", "10.100.4.2/24", "core", "10.100.4.1/24"),
        link("n4b", "10.100.5.2/24", "core", "10.100.5.1/24", upf_room="psa"),
        link("n3", "10.100.3.1/24", "ran", "10.100.3.2/24"),
        link("n9", "10.100.9.1/24", "psa", "10.100.9.2/24"),
        link("n6", "10.100.6.1/24", "dn", "10.100.6.2/24", upf_room="psa"),
    ),
    routes=(
        Route("psa", _DEFAULT, IPv4Address("10.100.6.2")),
        Route("dn", UE_POOL, UPF_N6_ADDRESS),
    ),
    upfs=("upf", "psa"),
)
