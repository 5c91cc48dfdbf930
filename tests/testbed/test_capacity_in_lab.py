"""Capacity as packets, the switch and the disk have it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from pathlib import Path
from statistics import median

import grpc
import pytest
from finsy.proto import p4r, p4r_grpc

from testbed.upf_process import UPFProcess
from upf import tables
from upf.target import artifacts, schema

pytestmark = pytest.mark.root

BOUND_S = 0.05
CHANGES = 30


@pytest.fixture(scope="module")
def upf(lab, tmp_path_factory):
    with UPFProcess(lab.namespace("upf"), tmp_path_factory.mktemp("upf")) as upf:
        yield upf


class Switch:
    """The UPF's switch, read by a controller that is not its primary."""

    def __init__(self, upf):
        command = Path(f"/proc/{upf.switch_pid}/cmdline").read_text().split("\0")
        address = command[command.index("--listen") + 1]
        self._channel = grpc.insecure_channel(address)
        self._stub = p4r_grpc.P4RuntimeStub(self._channel)
        self._meter = schema.Schema(artifacts.p4info(artifacts.build_dir())).meter(
            tables.SLICE_METER
        )

    def close(self):
        self._channel.close()

    def peak_bytes_per_s(self, index):
        request = p4r.ReadRequest(device_id=1)
        cell = request.entities.add().meter_entry
        cell.meter_id, cell.index.index = self._meter.id, index
        (answer,) = self._stub.Read(request)
        return answer.entities[0].meter_entry.config.pir


@pytest.fixture
def switch(upf):
    switch = Switch(upf)
    yield switch
    switch.close()


def as_a_power_cut_would_leave_it(state, folder):
    """The slices in a copy of the store, taken while the UPF runs."""
    folder.mkdir()
    for each in state.parent.glob(f"{state.name}*"):
        shutil.copy(each, folder)
    connection = sqlite3.connect(folder / state.name)
    rows = connection.execute("SELECT key, body FROM documents WHERE kind = 'slice'").fetchall()
    connection.close()
    return {key: json.loads(body) for key, body in rows}


def test_a_change_is_on_the_switch_and_on_disk_when_it_is_answered_and_soon(upf, switch, tmp_path):
    state = upf.log.with_name("upf.state.db")
    upf.rest.put("/v1/slices/video", {"sst": 1, "uplink_mbps": 1})
    index = tables.slice_meter_id(1, is_uplink=True)
    took_s = []
    for turn in range(1, CHANGES + 1):
        wanted = 100 + turn
        began = time.monotonic()
        upf.rest.put("/v1/slices/video", {"sst": 1, "uplink_mbps": wanted})
        took_s.append(time.monotonic() - began)
        assert switch.peak_bytes_per_s(index) == wanted * 125_000
        kept = as_a_power_cut_would_leave_it(state, tmp_path / str(turn))
        assert kept["video"]["uplink_bps"] == wanted * 1_000_000
    assert median(took_s) <= BOUND_S
