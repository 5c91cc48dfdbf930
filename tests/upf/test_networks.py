"""Which network instance a rule means."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from upf.errors import RuleError
from upf.networks import Endpoint, NetworkInstance, Networks, Role
from upf.rules import Interface

ENDPOINT = Endpoint(1, IPv4Address("10.100.3.1"))
ACCESS = NetworkInstance(1, Role.ACCESS, None, (ENDPOINT,))
INTERNET = NetworkInstance(2, Role.CORE, "internet")
IMS = NetworkInstance(3, Role.CORE, "ims")
ANY = NetworkInstance(4, Role.CORE, None)


def test_name_chooses_among_several():
    networks = Networks((ACCESS, INTERNET, IMS))
    assert networks.resolve(Interface.CORE, "ims") == IMS
    with pytest.raises(RuleError, match="no core interface has the network instance 'x'"):
        networks.resolve(Interface.CORE, "x")


def test_unknown_name_means_the_one_that_accepts_any():
    networks = Networks((ACCESS, INTERNET, ANY))
    assert networks.resolve(Interface.CORE, "x") == ANY
    assert networks.resolve(Interface.CORE, "internet") == INTERNET


def test_unknown_name_means_the_only_one_there_is():
    assert Networks((ACCESS, INTERNET)).resolve(Interface.CORE, "x") == INTERNET


@pytest.mark.parametrize("name", [None, ""])
def test_no_name_means_the_first(name):
    assert Networks((ACCESS, INTERNET, IMS)).resolve(Interface.CORE, name) == INTERNET


def test_cp_function_is_on_the_access_side():
    assert Networks((INTERNET, ACCESS)).resolve(Interface.CP_FUNCTION, None) == ACCESS


def test_endpoint_is_found_by_its_address():
    networks = Networks((ACCESS, INTERNET))
    assert networks.endpoint_at(ENDPOINT.ipv4) == ENDPOINT
    assert networks.endpoint_at(IPv4Address("10.0.0.1")) is None
