"""What the demo stands on: REST, captures, the process of the UPF, summary, leftovers."""

import http.server
import json
import os
import subprocess
import sys
import threading

import pytest
from rich.console import Console
from scapy.layers.inet import ICMP
from scapy.utils import rdpcap

from testbed import demo, leftovers, netns
from testbed.capture import Capture
from testbed.errors import PeerError, TestbedError
from testbed.rest import REST
from testbed.summary import Summary
from testbed.topology import SMF_ADDRESS, Lab
from testbed.traffic import ping
from testbed.upf_process import CONFIGURATION, UPFProcess


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers GET with a document, PUT with the document put, /refused with 409."""

    def do_GET(self):
        self.answer(b'{"at": "upf"}')

    def do_PUT(self):
        self.answer(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, octets):
        self.send_response(409 if self.path == "/refused" else 200)
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_):
        pass


@pytest.fixture
def rest(lab):
    with netns.entered(lab.namespace("upf")):
        server = http.server.HTTPServer(("127.0.0.1", 8080), Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield REST(lab.namespace("upf"))
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.root
def test_rest_is_reached_inside_the_namespace_of_the_upf(rest):
    assert rest.get("/v1/slices") == {"at": "upf"}
    assert rest.get_text("/metrics") == '{"at": "upf"}'
    assert rest.put("/v1/slices/demo", {"sst": 1}) == {"sst": 1}


@pytest.mark.root
def test_a_refusal_over_rest_carries_the_words_of_the_upf(rest):
    with pytest.raises(PeerError, match=r'PUT /refused: 409 Conflict: \{"sst": 300\}'):
        rest.put("/refused", {"sst": 300})


@pytest.mark.root
def test_rest_that_does_not_listen_is_an_error_that_names_the_request(lab):
    with pytest.raises(PeerError, match="REST GET /health: ConnectionRefusedError"):
        REST(lab.namespace("dn")).get("/health")


@pytest.mark.root
def test_a_capture_holds_the_frames_that_passed(lab, tmp_path):
    path = tmp_path / "n4.pcap"
    with Capture(lab.namespace("core"), "n4", path):
        assert ping(lab.namespace("upf"), SMF_ADDRESS, count=3).received == 3
    assert sum(ICMP in frame for frame in rdpcap(str(path))) == 6


@pytest.mark.root
def test_a_capture_stops_at_its_number_of_frames_and_cuts_each(lab, tmp_path):
    path = tmp_path / "n4.pcap"
    with Capture(lab.namespace("core"), "n4", path, max_frames=2, snap_bytes=40):
        ping(lab.namespace("upf"), SMF_ADDRESS, count=3)
    assert [len(frame) for frame in rdpcap(str(path))] == [40, 40]


@pytest.mark.root
def test_a_upf_that_does_not_start_is_told_in_its_own_words(lab, tmp_path):
    wrong = CONFIGURATION.replace('"n6"', '"n7"')
    with (
        pytest.raises(PeerError, match="n7"),
        UPFProcess(lab.namespace("upf"), tmp_path, wrong),
    ):
        pass
    assert leftovers.processes_of(lab.id) == frozenset()


def test_tracebacks_and_errors_in_the_log_of_the_upf_are_faults(tmp_path):
    upf = UPFProcess("nowhere", tmp_path)
    upf.log.write_text(
        "09:00 INFO errors: 0\n09:01 ERROR lost\nTraceback (most recent call last):\n"
    )
    assert upf.faults() == ["09:01 ERROR lost", "Traceback (most recent call last):"]


@pytest.mark.root
def test_what_a_lab_left_is_named(monkeypatch):
    lab = Lab()
    before = leftovers.look(lab.id)
    with lab:
        left = leftovers.look(lab.id).added_since(before)
    assert f"network namespace tern-{lab.id}-upf" in left
    assert f"lab file {netns.RUN_DIRECTORY / lab.id}" in left
    assert leftovers.look(lab.id).added_since(before) == []


def test_a_process_is_alive_until_it_ends():
    sleeper = subprocess.Popen(["sleep", "60"])
    assert leftovers.is_alive(sleeper.pid)
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not leftovers.is_alive(sleeper.pid)  # a zombie still has its id
    sleeper.wait()
    assert not leftovers.is_alive(sleeper.pid)


def test_a_summary_passes_only_if_every_row_does():
    summary = Summary("title", None)
    assert not summary.passed
    summary.record("first", "seen", passed=True)
    assert summary.passed
    summary.record("second", "not seen", passed=False)
    assert not summary.passed
    document = json.loads(summary.to_json())
    assert document["passed"] is False
    assert document["rows"][1] == {"claim": "second", "seen": "not seen", "passed": False}


def test_a_summary_is_told_row_by_row_and_as_a_table(tmp_path):
    with (tmp_path / "told").open("w") as file:
        summary = Summary("What was seen", Console(file=file, width=80))
        summary.doing("waiting")
        summary.record("ping", "0 % lost", passed=True)
        summary.record("cap", "99 Mbit/s", passed=False)
        summary.print_table()
    told = (tmp_path / "told").read_text()
    assert told.index("waiting …") < told.index("pass ping: 0 % lost") < told.index("What was seen")
    assert told.count("FAIL") == 2


@pytest.mark.parametrize(("passed", "status", "kept"), [(True, 0, False), (False, 1, True)])
def test_the_demo_keeps_its_logs_only_when_a_claim_fails(
    monkeypatch, tmp_path, capsys, passed, status, kept
):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(demo.tempfile, "mkdtemp", lambda prefix: str(tmp_path / "logs"))
    (tmp_path / "logs").mkdir()
    monkeypatch.setattr(demo, "play", lambda s, _: s.record("claim", "seen", passed=passed))
    monkeypatch.setattr(demo, "interrupt_once", lambda: None)
    assert demo.main(["--json"]) == status
    told = capsys.readouterr()
    assert json.loads(told.out)["passed"] is passed
    assert (tmp_path / "logs").exists() is kept
    assert (str(tmp_path / "logs") in told.err) is kept


@pytest.mark.root
def test_a_story_that_cannot_go_on_fails_and_leaves_nothing(monkeypatch, tmp_path):
    def broken(*_):
        raise TestbedError("the lab did not come up")

    monkeypatch.setattr(demo, "scene_of", broken)
    summary = Summary("title", None)
    demo.play(summary, tmp_path)
    assert [(row.seen, row.passed) for row in summary.rows] == [
        ("the lab did not come up", False),
        ("nothing", True),
    ]


def test_the_demo_needs_root_and_says_so(monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert demo.main([]) == 2
    assert "sudo" in capsys.readouterr().err


def test_help_teaches_without_root():
    told = subprocess.run(
        [sys.executable, "-m", "testbed.demo", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert "Exit status" in told
