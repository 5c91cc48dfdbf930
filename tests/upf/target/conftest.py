"""A real P4Runtime server over a data plane in memory, and our client on it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from p4xdp.runtime import serve
from upf.target.p4rt import P4RuntimeTarget

RUNTIME_TESTS = Path(__file__).parents[2] / "p4xdp" / "runtime" / "conftest.py"


def _load(path):
    spec = importlib.util.spec_from_file_location("p4xdp_runtime_fakes", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fakes = _load(RUNTIME_TESTS)


@pytest.fixture
def pipeline():
    """The small pipeline without the table whose match kinds the UPF has no use for."""
    info = fakes.parse(fakes.P4INFO.read_text(), fakes.p4i.P4Info)
    kept = [table for table in info.tables if table.preamble.name != "Ingress.filters"]
    del info.tables[:]
    info.tables.extend(kept)
    for header in info.controller_packet_metadata:
        if header.preamble.name == "packet_out":
            header.metadata[0].name = "port"
    return info


@pytest.fixture
def dataplane():
    return fakes.FakeDataplane()


@pytest.fixture
async def server(dataplane, pipeline):
    running = await serve(dataplane, pipeline, listen="127.0.0.1:0")
    yield running
    await running.stop(0)


@pytest.fixture
async def connect(server, pipeline):
    targets = []

    async def connect(**options):
        target = await P4RuntimeTarget.connect(server.address, pipeline, **options)
        targets.append(target)
        return target

    yield connect
    for target in targets:
        await target.close()


@pytest.fixture
async def target(connect):
    return await connect()


@pytest.fixture
async def foreign_client(server):
    """Another controller, knowing gRPC alone."""
    clients = []

    def make(election_id):
        clients.append(fakes.Client(server.address, election_id))
        return clients[-1]

    yield make
    for client in clients:
        await client.close()
