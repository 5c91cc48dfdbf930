"""`upf pfcp decode` as an engineer meets it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from upf.cli import app

CAPTURE = Path(__file__).parents[1] / "captures" / "open5gs-ipv4-n4.pcap"
HEARTBEAT = "2001000c0000020000600004eeab1b37"


def decode(*words, text=None):
    return CliRunner().invoke(app, ["pfcp", "decode", *map(str, words)], input=text)


def told(*words, text=None):
    result = decode(*words, text=text)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def objects(*words, text=None):
    return [json.loads(line) for line in told("--json", *words, text=text).splitlines()]


def test_the_tree_of_a_capture_shows_every_ie_with_its_name_and_value():
    tree = told(CAPTURE)
    assert tree.count("PFCP Session Establishment Request") == 1
    for line in (
        "├── Node ID (60)  value=10.100.4.1",
        "│   │   ├── UE IP Address (93)  ipv4=10.45.0.2, is_destination",
        "│   │   ├── F-TEID (21)  choose, choose_ipv4, choose_ipv6, choose_id=5",
        '│   │   ├── Network Instance (22)  "internet"',
        "├── F-SEID (57)  seid=0x35e, ipv4=10.100.4.1",
        "├── Cause (19)  REQUEST_ACCEPTED (1)",
    ):
        assert line in [each.rstrip() for each in tree.splitlines()], line


def test_a_flow_description_is_not_cut_where_no_window_is():
    assert "permit out 58 from ff02::2/128 to assigned" in told(CAPTURE)


def test_brief_is_one_line_a_message_with_answers_and_repetitions():
    lines = told("--brief", CAPTURE).splitlines()
    assert len(lines) == 53
    assert "10.100.4.1:8805 → 10.100.4.2:8805" in lines[0]
    assert lines[1].endswith("PFCP Association Setup Request  seq 1  the same as 1")
    assert lines[2].endswith("seq 1  REQUEST_ACCEPTED (1)  answers 1 after 2501.573 ms")
    assert "seq 3  SEID 0x35e  REQUEST_ACCEPTED (1)  answers 8 after 0.259 ms" in lines[8]


def test_json_is_an_object_a_line_for_machines():
    told_objects = objects(CAPTURE)
    assert [each["number"] for each in told_objects] == list(range(1, 54))
    request, answer = told_objects[7], told_objects[8]
    assert request["message"] == "PFCP Session Establishment Request"
    assert (request["message_type"], request["sequence_number"], request["seid"]) == (50, 3, 0)
    assert request["source"] == "10.100.4.1:8805"
    assert (answer["answers"], answer["answers_after_s"]) == (8, pytest.approx(0.000259, abs=1e-6))
    create_pdr = next(each for each in request["ies"] if each["name"] == "Create PDR")
    pdi = next(each for each in create_pdr["ies"] if each["name"] == "PDI")
    assert {each["name"]: each["value"] for each in pdi["ies"]} == {
        "Source Interface": "CORE",
        "Network Instance": {"octets": "08696e7465726e6574", "name": "internet"},
        "UE IP Address": {"ipv4": "10.45.0.2", "is_destination": True},
        "3GPP Interface Type": "N6",
    }
    assert bytes.fromhex(request["octets"])[1] == 50


@pytest.mark.parametrize(
    "text",
    [
        HEARTBEAT,
        f"# a comment\n\nsmf {HEARTBEAT}  # and another\n",
        " ".join(HEARTBEAT[at : at + 2] for at in range(0, len(HEARTBEAT), 2)),
    ],
    ids=["bare", "comments and a word before", "pairs"],
)
def test_hexadecimal_text_is_read_from_stdin(text):
    (message,) = objects("-", text=text)
    assert (message["message"], message["sequence_number"]) == ("PFCP Heartbeat Request", 2)
    assert message["ies"][0]["value"] == 0xEEAB1B37
    assert "source" not in message


def test_a_capture_is_read_from_stdin_too():
    assert told("--brief", "-", text=CAPTURE.read_bytes()) == told("--brief", CAPTURE)


@pytest.mark.parametrize("way", ["--brief", "--json", "--port=8805"])
def test_what_cannot_be_read_is_shown_with_what_is_wrong(way):
    cut = "21340017 0000000000000009 000005 00 0010 0007 006c 0003 010203"
    shown = told(way, "-", text=cut)
    assert "FAR ID" in shown or way != "--port=8805"
    assert "too few" in shown or "IE" in shown
    nothing = told(way, "-", text="474554202f")
    assert "no PFCP message" in nothing


def test_hexadecimal_octets_stand_beside_an_ie_that_cannot_be_read():
    tree = told("-", text="213700160000000000000000000001000038 0001aa 0013000101")
    assert "PDR ID (56)" in tree
    assert "aa" in tree
    assert "Cause (19)  REQUEST_ACCEPTED (1)" in tree


def test_a_long_unknown_ie_is_shown_in_part_and_whole_in_json():
    text = "20010064 00000100" + "7ffe005c" + "5a" * 92
    assert "… 92 octets" in told("-", text=text)
    assert objects("-", text=text)[0]["ies"][0]["octets"] == "5a" * 92


def test_octets_of_a_peer_are_no_markup():
    name = b"[red]:smile:[/red]"
    text = "2001001a 00000100 00160012" + name.hex()
    assert name.decode() in told("-", text=text)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"\xff\xfe\xfd", "neither a capture (pcap, pcapng) nor hexadecimal text"),
        (b"hello world", "line 1 holds no hexadecimal octets"),
        (b"2001\n20 0g", "line 2 is not hexadecimal"),
    ],
)
def test_a_file_that_is_neither_is_refused_in_one_line(tmp_path, content, says):
    file = tmp_path / "file"
    file.write_bytes(content)
    result = decode(file)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"upf: {file}: ")
    assert says in line


def test_a_missing_file_is_refused_in_one_line(tmp_path):
    result = decode(tmp_path / "none")
    assert result.exit_code == 1
    assert "cannot be read: No such file" in result.stderr


def test_a_capture_cut_off_shows_what_is_there_and_says_so(tmp_path):
    file = tmp_path / "cut.pcap"
    file.write_bytes(CAPTURE.read_bytes()[:-5])
    result = decode("--brief", file)
    assert result.exit_code == 1
    assert len(result.stdout.splitlines()) == 52
    assert "is cut off in the packet at octet" in result.stderr


def test_a_capture_without_n4_says_so():
    result = decode("--port", "2152", CAPTURE)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "holds no UDP datagram of port 2152" in result.stderr
