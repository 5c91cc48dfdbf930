"""The configuration file: what it means, and how faults in it are told."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from upf.config import load, parse
from upf.errors import ConfigError
from upf.networks import Role
from upf.slices import NO_SD

MINIMAL = {
    "n4": {"address": "10.100.4.2"},
    "interface": [{"name": "n3", "role": "access"}, {"name": "n6", "role": "core"}],
}


def faults(tree):
    with pytest.raises(ConfigError) as caught:
        parse(tree, source="upf.toml")
    return str(caught.value).splitlines()


def test_minimal_configuration_gets_every_default():
    config = parse(MINIMAL, source="upf.toml")
    assert config.n4.port == 8805
    assert (config.rest.host, config.rest.port) == ("127.0.0.1", 8080)
    assert (config.target.kind, config.target.mode) == ("xdp", "auto")
    assert config.ports == {"n3": 1, "n6": 2}


def test_n4_is_open_to_anyone_unless_peers_are_named_and_limits_each():
    anyone = parse(MINIMAL, source="upf.toml").n4.admission()
    assert anyone.is_allowed("192.0.2.1")
    named = {"address": "10.100.4.2", "peers": ["10.100.4.0/30"], "peer_burst": 2}
    admission = parse(MINIMAL | {"n4": named}, source="upf.toml").n4.admission()
    assert admission.is_allowed("10.100.4.1")
    assert not admission.is_allowed("10.100.4.9")
    assert [admission.take("10.100.4.1", 0.0) for _ in range(3)] == [True, True, False]


def test_access_interface_lends_its_address_to_gtpu():
    networks = parse(MINIMAL, source="upf.toml").networks({"n3": IPv4Address("10.100.3.1")})
    access, core = networks.instances
    assert (access.role, access.endpoints[0].ipv4) == (Role.ACCESS, IPv4Address("10.100.3.1"))
    assert access.endpoints[0].endpoint_id != 0
    assert (core.role, core.endpoints) == (Role.CORE, ())


def test_access_interface_without_any_address_is_refused():
    with pytest.raises(ConfigError, match=r"n3 has no IPv4 address.*ip address add"):
        parse(MINIMAL, source="upf.toml").networks({})


def test_interfaces_of_one_network_instance_share_it():
    interface = {"role": "core", "network_instance": "internet"}
    tree = MINIMAL | {
        "interface": [
            {"name": "n3", "role": "access", "gtpu_address": "192.0.2.1"},
            {"name": "a", **interface},
            {"name": "b", **interface},
            {"name": "c", "role": "core", "network_instance": "ims"},
        ]
    }
    instances = parse(tree, source="upf.toml").networks({}).instances
    assert [(each.network_instance_id, each.name) for each in instances] == [
        (1, None),
        (2, "internet"),
        (3, "ims"),
    ]


def test_slice_rates_become_bits_per_second():
    tree = MINIMAL | {"slice": [{"name": "video", "sst": 1, "uplink_mbps": 2.5}]}
    wanted = parse(tree, source="upf.toml").slice[0].to_slice()
    assert (wanted.uplink_bps, wanted.downlink_bps) == (2_500_000, None)
    assert wanted.s_nssai.sd == NO_SD


@pytest.mark.parametrize(
    ("tree", "line"),
    [
        (
            MINIMAL | {"n4": {"adress": "10.0.0.1", "address": "10.0.0.1"}},
            "upf.toml: n4.adress: unknown key; did you mean 'address'?",
        ),
        (
            MINIMAL | {"n4": {"address": "10.0.0.256"}},
            "upf.toml: n4.address: input is not a valid IPv4 address, not '10.0.0.256'",
        ),
        (MINIMAL | {"n4": {}}, "upf.toml: n4.address: is missing"),
        (
            MINIMAL | {"n4": {"address": "10.0.0.1", "peer_burst": 0}},
            "upf.toml: n4.peer_burst: input should be greater than or equal to 1, not 0",
        ),
        ({"interface": MINIMAL["interface"]}, "upf.toml: n4: this table is missing"),
        (
            MINIMAL | {"interface": [{"name": "n3", "role": "acces"}]},
            "upf.toml: interface[1].role: input should be 'access' or 'core', not 'acces'",
        ),
        (
            MINIMAL | {"interface": [{"name": "n3", "role": "access"}]},
            'upf.toml: no [[interface]] has role = "core": both roles are needed',
        ),
        (
            MINIMAL | {"interface": [*MINIMAL["interface"], MINIMAL["interface"][0]]},
            "upf.toml: interface 'n3' is there 2 times: name it once",
        ),
        (
            MINIMAL | {"rest": {"listen": "8080"}},
            'upf.toml: rest.listen: write it as "ADDRESS:PORT", such as "127.0.0.1:8080"',
        ),
        (
            MINIMAL | {"target": {"kind": "p4runtime"}},
            'upf.toml: target: kind "p4runtime" needs address = "HOST:PORT"',
        ),
        (
            MINIMAL | {"tarrget": {}},
            "upf.toml: tarrget: unknown key; did you mean 'target'?",
        ),
        (MINIMAL | {"n4": "10.0.0.1"}, "upf.toml: n4: write it as a table, [n4]"),
        (
            MINIMAL | {"interface": {"name": "n3"}},
            "upf.toml: interface: write it as tables, [[interface]]",
        ),
    ],
    ids=str,
)
def test_each_fault_is_one_line_with_file_and_key(tree, line):
    assert faults(tree) == [line]


def test_several_faults_are_told_at_once():
    assert len(faults({"n4": {"port": 0}, "interface": [{"name": "n3"}]})) == 3


def test_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "upf.toml")


def test_file_that_is_not_toml_is_told_with_its_line(tmp_path):
    path = tmp_path / "upf.toml"
    path.write_text("[n4]\naddress = \n")
    with pytest.raises(ConfigError, match=r"upf\.toml: is not TOML: .*line 2"):
        load(path)


def test_file_that_is_not_text_is_told(tmp_path):
    path = tmp_path / "upf.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load(path)


TOKEN = {"name": "ops", "role": "operate", "sha256": "0" * 64}
TLS = {"tls_certificate": "cert.pem", "tls_key": "key.pem"}


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ({"listen": "0.0.0.0:8080"}, "upf token"),
        ({"listen": "0.0.0.0:8080", "token": [TOKEN]}, "upf token"),
        ({"listen": "0.0.0.0:8080", **TLS}, "upf token"),
        ({"listen": "[::]:8080"}, "upf token"),
        ({"listen": "upf.example:8080"}, "upf token"),
        ({"tls_key": "key.pem"}, "go together"),
        ({"token": [TOKEN, TOKEN]}, "same name"),
        ({"token": [{**TOKEN, "sha256": "secret"}]}, "rest.token[1].sha256"),
        ({"token": [{**TOKEN, "role": "root"}]}, "rest.token[1].role"),
        ({"token": [{**TOKEN, "rolle": "read"}]}, "did you mean 'role'"),
    ],
    ids=str,
)
def test_rest_is_not_opened_without_a_lock(rest, told):
    with pytest.raises(ConfigError) as error:
        parse({**MINIMAL, "rest": rest}, source="upf.toml")
    assert told in str(error.value)


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "[::1]:1", "localhost:1", "127.1.2.3:1"])
def test_on_loopback_neither_token_nor_tls_is_needed(listen):
    assert parse({**MINIMAL, "rest": {"listen": listen}}, source="upf.toml").rest.is_loopback


def test_elsewhere_both_open_rest():
    rest = {"listen": "0.0.0.0:8443", "token": [TOKEN], **TLS}
    assert parse({**MINIMAL, "rest": rest}, source="u").rest.url == "https://0.0.0.0:8443"


def test_what_outlives_a_restart_lies_beside_the_configuration(tmp_path):
    file = tmp_path / "upf.toml"
    file.write_text(
        '[n4]\naddress = "10.0.0.1"\n[[interface]]\nname = "n3"\nrole = "access"\n'
        '[[interface]]\nname = "n6"\nrole = "core"\n'
    )
    assert load(file).state.file == tmp_path / "upf.state.db"
    file.write_text(file.read_text() + '[state]\nfile = "/var/lib/tern/state.db"\n')
    assert str(load(file).state.file) == "/var/lib/tern/state.db"
