"""What UERANSIM and the cores are told: they must agree with each other and with the UPF."""

from __future__ import annotations

import tomllib
from ipaddress import IPv4Address, IPv4Network

import yaml

from testbed.topology import GNB_ADDRESS, SMF_ADDRESS, UPF_N4_ADDRESS
from testbed.ueransim import core_open5gs, files, plan, ran
from upf.config import Config

ADDRESSES = {
    address.ip: end.room
    for link in plan.TOPOLOGY.links
    for end in (link.upf, link.peer)
    for address in end.addresses
}


def test_whom_the_gnb_is_told_of_is_where_it_is_told() -> None:
    gnb = ran.gnb()
    assert ADDRESSES[IPv4Address(gnb["amfConfigs"][0]["address"])] == "core"
    for name in ("linkIp", "ngapIp", "gtpIp"):
        assert ADDRESSES[IPv4Address(gnb[name])] == "ran"
    assert gnb["gtpIp"] == str(GNB_ADDRESS)


def test_the_gnb_s_name_is_made_of_its_plmn_and_identity() -> None:
    gnb = ran.gnb()
    identity = int(gnb["nci"], 16) >> (36 - gnb["idLength"])
    assert f"UERANSIM-gnb-{int(gnb['mcc'])}-{int(gnb['mnc'])}-{identity}" == ran.GNB_NAME


def test_a_ue_asks_for_a_session_in_its_slice() -> None:
    who = plan.subscriber(plan.VIDEO, 0)
    ue = ran.ue(who)
    assert ue["sessions"] == [{"type": "IPv4", "apn": "video", "slice": {"sst": 2, "sd": 2}}]
    assert ue["supi"] == f"imsi-{who.imsi}"
    assert len(who.imsi) == 15


def test_no_two_subscribers_have_one_imsi() -> None:
    who = [plan.subscriber(of, 0) for of in plan.SLICES] + list(plan.crowd(100))
    assert len({each.imsi for each in who}) == 102


def test_a_crowd_has_imsis_one_after_the_other() -> None:
    first, second, *_ = plan.crowd(3)
    assert int(second.imsi) == int(first.imsi) + 1


def test_open5gs_is_told_of_the_upf_for_each_dnn() -> None:
    smf = core_open5gs.configuration("smf")["smf"]
    assert smf["pfcp"]["server"] == [{"address": str(SMF_ADDRESS)}]
    assert smf["pfcp"]["client"]["upf"] == [
        {"address": str(UPF_N4_ADDRESS), "dnn": ["internet", "video"]}
    ]
    assert [IPv4Network(each["subnet"]) for each in smf["session"]] == [
        each.pool for each in plan.SLICES
    ]


def test_open5gs_s_functions_listen_apart_and_ask_the_nrf() -> None:
    functions = core_open5gs.core().functions
    servers = {}
    for each in functions:
        own = each.configuration[each.name]["sbi"]
        servers[each.name] = own["server"][0]["address"]
    assert len(set(servers.values())) == len(functions)
    nrf = f"http://{servers['nrf']}:7777"
    for each in functions[1:]:
        assert each.configuration[each.name]["sbi"]["client"]["nrf"] == [{"uri": nrf}]


def test_only_the_amf_of_open5gs_needs_sctp() -> None:
    assert [each.name for each in core_open5gs.core().functions if each.uses_sctp] == ["amf"]


def test_a_subscription_names_the_slice_and_dnn_its_ue_asks_for() -> None:
    who = plan.subscriber(plan.INTERNET, 0)
    document = core_open5gs.core().database.contents([who])["subscribers"][0]
    assert document["imsi"] == who.imsi
    assert (document["slice"][0]["sst"], document["slice"][0]["sd"]) == (1, "000001")
    assert document["slice"][0]["session"][0]["name"] == "internet"
    assert document["security"] == {"k": who.key, "opc": who.opc, "op": None, "amf": "8000"}


def test_the_upf_s_configuration_is_good_and_has_the_plan_s_slices() -> None:
    config = Config.model_validate(tomllib.loads(plan.UPF_CONFIGURATION))
    assert config.n4.address == UPF_N4_ADDRESS
    assert [(each.name, each.sst, each.sd, *each.dnns) for each in config.slice] == [
        (each.name, each.sst, each.sd, each.dnn) for each in plan.SLICES
    ]


def test_the_data_network_routes_every_pool_to_the_upf() -> None:
    routes = {each.destination for each in plan.TOPOLOGY.routes if each.room == "dn"}
    assert routes == {each.pool for each in plan.SLICES}


def test_what_is_written_as_json_is_read_as_yaml(tmp_path) -> None:
    path = files.write(tmp_path, "gnb", ran.gnb())
    assert yaml.safe_load(path.read_text()) == ran.gnb()
