"""The command line against a UPF over real HTTP."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import replace

import httpx
import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap
from typer.testing import CliRunner

from api.app import create_app
from upf.cli import app
from upf.cli_tables import age, octets
from upf.config import RESTConfig
from upf.entry import Counts
from upf.usage import Volume
from upf.views import Health, PDRCount, SessionInside

TOKEN = "let-me-in"


@pytest.fixture
def url(upf, serve, session_of, port):
    upf.views = [session_of(0x2D0, "video", 2_000_000, 10)]
    upf.insides = [
        SessionInside(
            view=upf.views[0],
            rules={"pdrs": [{"pdr_id": 1}], "fars": [], "qers": [], "urrs": [], "bars": []},
            entries=(),
            counters=(PDRCount(1, 77, is_uplink=False, counts=Counts(3, 300)),),
        )
    ]
    upf.set_sessions(1, 3)
    upf.sample = replace(
        upf.sample,
        slices={1: Volume(Counts(10, 5_000_000))},
        ports={"n3": port("n3", 10_000, 500)},
        drops={},
    )
    base = serve(create_app(upf))
    slices = {"sst": 1, "sd": "000001", "uplink_mbps": 20, "max_sessions": 3}
    assert httpx.put(f"{base}/v1/slices/video", json=slices).status_code == 201
    return base


@pytest.fixture
def tern(url, monkeypatch):
    """Run a command against the UPF."""
    monkeypatch.setenv("UPF_URL", url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words):
        return CliRunner().invoke(app, [str(word) for word in words])

    return run


def test_status_tells_people_and_exit_status_tells_scripts(tern, upf):
    result = tern("status")
    assert result.exit_code == 0
    assert "10.100.4.2  ready" in re.sub(r" +", "  ", result.stdout)
    upf.state = Health(is_ready=False, reason="the switch is gone")
    result = tern("status")
    assert result.exit_code == 1
    assert "not ready: the switch is gone" in result.stdout
    assert json.loads(tern("status", "--json").stdout)["reason"] == "the switch is gone"


def test_slices_stand_against_their_capacity(tern):
    shown = tern("slices").stdout
    assert "video" in shown
    assert "1-000001" in shown
    assert "3 of 3" in shown
    assert "0.0 of 20" in shown
    assert json.loads(tern("slices", "--json").stdout)[0]["uplink_mbps"] == 20
    assert json.loads(tern("slices", "video", "--json").stdout)["name"] == "video"


def test_what_is_not_there_is_one_line_of_the_upfs_own_words(tern):
    result = tern("slices", "none/../x")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("upf: http://127.0.0.1:")
    assert "404" in line


def test_sessions_are_listed_filtered_and_shown_whole(tern):
    assert "10.45.0.2" in tern("sessions").stdout
    assert "2.0 MB" in tern("sessions", "--slice", "video").stdout
    assert json.loads(tern("sessions", "--slice", "iot", "--json").stdout) == []
    assert json.loads(tern("sessions", "2d0").stdout)["counters"][0]["octets"] == 300
    assert "ue: " in tern("sessions", "--ue", "nonsense").stderr


def test_associations_and_drops_are_tables(tern):
    assert "answered" in tern("associations").stdout
    shown = tern("drops").stdout
    assert "no_session" in shown
    assert "no session has this tunnel endpoint" in shown


def test_top_looks_as_often_as_asked(tern):
    shown = tern("top", "-n", "2", "-i", "0.2").stdout
    assert "nothing is dropped" in shown
    assert "░" in shown
    lines = tern("top", "-n", "2", "-i", "0.2", "--json").stdout.splitlines()
    assert [json.loads(line)["sessions"] for line in lines] == [1, 1]


def test_a_token_is_given_by_option_or_environment(tern, upf, serve, monkeypatch):
    digest = hashlib.sha256(TOKEN.encode()).hexdigest()
    tokens = [{"name": "cli", "role": "read", "sha256": digest}]
    rest = RESTConfig.model_validate({"token": tokens})
    upf.config = upf.config.model_copy(update={"rest": rest})
    monkeypatch.setenv("UPF_URL", serve(create_app(upf)))
    assert "give it with --token or UPF_TOKEN" in tern("drops").stderr
    assert tern("drops", "--token", TOKEN).exit_code == 0
    monkeypatch.setenv("UPF_TOKEN", TOKEN)
    assert tern("drops").exit_code == 0


def test_a_new_token_is_shown_once_and_configured_by_its_hash(tern):
    result = tern("token", "grafana", "--role", "read")
    secret = result.stderr.rpartition(" ")[2].strip()
    assert len(secret) >= 43
    assert secret not in result.stdout
    (token,) = tomllib.loads(result.stdout)["rest"]["token"]
    assert token == {
        "name": "grafana",
        "role": "read",
        "sha256": hashlib.sha256(secret.encode()).hexdigest(),
    }
    assert tern("token", "a b").exit_code == 1
    assert "role" in tern("token", "x", "--role", "root").stderr


def test_without_a_upf_to_ask_it_says_what_to_say(tern, monkeypatch):
    monkeypatch.delenv("UPF_URL")
    assert "say which UPF" in tern("drops").stderr
    assert "does not answer" in tern("drops", "--url", "http://127.0.0.1:9").stderr


@pytest.mark.parametrize(
    "command", ["run", "status", "slices", "sessions", "associations", "drops", "top", "token"]
)
def test_help_shows_an_example(tern, command):
    assert f"upf {command}" in tern(command, "--help").stdout


def test_completion_is_there_for_shells(tern, monkeypatch):
    # Else the shell is looked for among our ancestors, where there may be none.
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert "complete" in tern("--show-completion", "bash").stdout


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345_678, "12.3 MB"), (3e15, "3.0 PB")],
)
def test_volumes_are_short(number, text):
    assert octets(number) == text


def test_ages_are_short():
    assert re.fullmatch(r"\d+d\d\dh", age("2023-11-14T22:13:20Z"))
    assert age("2123-11-14T22:13:20Z") == "0s"


def test_a_trace_tells_the_way_and_exit_status_tells_scripts(tern):
    shown = tern("trace", "--ue", "10.45.0.2", "--down")
    assert shown.exit_code == 1
    assert "Downlink, from n6" in shown.stdout
    assert "no session has the UE address 10.45.0.2" in shown.stdout
    assert "→ see `upf sessions --ue 10.45.0.2`" in shown.stdout
    assert "own_mac=0x200000000d1" in tern("trace", "--ue", "10.45.0.2", "--down", "-v").stdout
    told = json.loads(tern("trace", "--teid", "dead", "--json").stdout)
    assert [each["shown_for"] for each in told] == ["unknown_tunnel"]


def test_a_frame_is_traced_from_hex_or_from_a_capture(tern, tmp_path):
    frame = Ether(dst="02:00:00:00:00:99") / IP(dst="10.45.0.2") / UDP()
    wrpcap(str(tmp_path / "n6.pcap"), [Ether() / IP(), frame])
    words = ("--interface", "n6", "--json")
    by_hex = tern("trace", "--hex", bytes(frame).hex(" "), *words)
    captured = tern("trace", "--pcap", tmp_path / "n6.pcap", "--frame", 2, *words)
    assert json.loads(by_hex.stdout) == json.loads(captured.stdout)
    assert "02:00:00:00:00:99" in json.loads(by_hex.stdout)[0]["summary"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "say whose packet"),
        (("--hex", "00" * 60), "say where the frame comes in"),
        (("--hex", "0g", "--interface", "n3"), "give pairs of hex digits"),
        (("--pcap", "/nowhere", "--interface", "n3"), "cannot be read"),
        (("--ue", "10.45.0.9", "--up"), "no session with the UE address 10.45.0.9"),
        (("--ue", "me"), "ue"),
    ],
)
def test_a_trace_that_cannot_be_says_so_in_one_line(tern, words, told):
    result = tern("trace", *words)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert told in line


def test_associations_are_asked_for_from_a_time_on(tern):
    assert (
        json.loads(tern("associations", "--since", "2024-01-01T00:00:00Z", "--json").stdout) == []
    )
    assert len(json.loads(tern("associations", "--json").stdout)) == 1
    result = tern("associations", "--since", "yesterday")
    assert (result.exit_code, "since" in result.stderr) == (1, True)


def test_the_version_is_told(tern):
    assert tern("--version").stdout.startswith("upf 0.")
