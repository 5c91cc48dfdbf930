"""The lab as containers: the same files, the same addresses."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
import yaml

from testbed.ueransim import core_open5gs, files, plan
from testbed.ueransim.story import cast_of_ues

COMPOSE = Path(__file__).parents[3] / "testbed" / "compose" / "open5gs.yaml"
ROOMS = {"core": "core", "upf": "upf", "gnb": "ran", "ues": "ues", "dn": "dn"}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(COMPOSE.read_text())


def test_containers_have_the_addresses_of_the_lab(compose) -> None:
    made = {
        (room, network["interface_name"]): network["ipv4_address"]
        for service, room in ROOMS.items()
        for network in compose["services"][service]["networks"].values()
    }
    planned = {
        (end.room, end.interface): str(end.addresses[0].ip)
        for link in plan.TOPOLOGY.links
        for end in (link.upf, link.peer)
    }
    assert made == planned


def test_every_address_is_in_its_network_and_the_gateway_takes_none(compose) -> None:
    for service in ROOMS:
        for name, end in compose["services"][service]["networks"].items():
            (config,) = compose["networks"][name]["ipam"]["config"]
            assert IPv4Address(end["ipv4_address"]) in IPv4Network(config["subnet"])
            assert end["ipv4_address"] != config["gateway"]


def test_every_network_function_runs_with_its_own_configuration(compose) -> None:
    for each in core_open5gs.core().functions:
        service = compose["services"][each.name]
        assert service["entrypoint"] == [each.program, "-c", f"/configuration/{each.name}.yaml"]
        assert service["network_mode"] == "service:core"


def test_every_file_that_is_read_is_one_that_is_written(tmp_path) -> None:
    written = {path.name for path in files.write_all(tmp_path, core_open5gs.core(), cast_of_ues(2))}
    read = set(re.findall(r"/configuration/([\w.]+)", COMPOSE.read_text()))
    read |= set(re.findall(r"\$\{CONFIGURATION\}/([\w.]+)", COMPOSE.read_text()))
    assert read <= written


def test_all_subscribers_are_in_the_script_for_the_database(tmp_path) -> None:
    files.write_all(tmp_path, core_open5gs.core(), cast_of_ues(3))
    script = (tmp_path / "subscribers.js").read_text()
    assert script.count('"imsi"') == 7
    assert script.startswith('db.getSiblingDB("open5gs").subscribers.insertMany([')


def test_the_data_network_routes_every_pool_to_the_upf(compose) -> None:
    command = compose["services"]["dn"]["entrypoint"][-1]
    for each in plan.SLICES:
        assert f"ip route replace {each.pool} via 10.100.6.1" in command
