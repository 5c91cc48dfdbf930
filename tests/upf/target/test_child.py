"""A switch process: started, refused, watched and ended, with small scripts in its place."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

import pytest

from upf.errors import StartError
from upf.target.child import Child


def script(text):
    return [sys.executable, "-c", "import os, signal, sys, time\n" + text]


READY_THEN_WAIT = "print('READY unix:/x', flush=True)\ntime.sleep(60)"


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_child_is_ready_when_it_says_so_and_ends_when_told():
    child = await Child.start(script(READY_THEN_WAIT))
    assert is_alive(child.pid)
    assert os.getsid(child.pid) != os.getsid(0)  # Ctrl-C at our terminal is not for it
    await child.stop()
    assert not is_alive(child.pid)
    await child.stop()


async def test_a_child_that_will_not_end_is_killed(monkeypatch):
    monkeypatch.setattr("upf.target.child.STOP_TIMEOUT_S", 0.1)
    child = await Child.start(
        script("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + READY_THEN_WAIT)
    )
    await child.stop()
    assert (await child.wait()).startswith("signal SIGKILL")


async def test_a_child_that_cannot_start_tells_why_in_one_line():
    text = "print('WARNING odd', file=sys.stderr); sys.exit('p4xdp: no interface n3; create it')"
    with pytest.raises(StartError) as caught:
        await Child.start(script(text))
    assert str(caught.value) == "no interface n3; create it"


async def test_the_complaint_is_told_not_what_a_library_adds_to_it():
    lines = "p4xdp: no BPF here; use another kernel" + 30 * "\\nlibbpf: failed"
    with pytest.raises(StartError) as caught:
        await Child.start(script(f"sys.exit('{lines}')"))
    assert str(caught.value) == "no BPF here; use another kernel"


async def test_a_child_that_never_gets_ready_is_ended():
    with pytest.raises(StartError, match="not ready after"):
        await Child.start(script("time.sleep(60)"), timeout_s=0.2)


async def test_a_command_that_does_not_exist_is_a_start_error():
    with pytest.raises(StartError, match="cannot start the switch"):
        await Child.start(["/nonexistent/p4xdp"])


async def test_log_lines_are_relayed_at_their_level(caplog):
    caplog.set_level(logging.DEBUG)
    child = await Child.start(
        script("print('WARNING generic mode', file=sys.stderr, flush=True)\n" + READY_THEN_WAIT)
    )
    await child.stop()
    assert ("WARNING", "switch: generic mode") in [
        (record.levelname, record.getMessage()) for record in caplog.records
    ]


async def test_the_end_of_a_child_is_noticed_with_its_last_words():
    child = await Child.start(
        script("print('READY', flush=True); sys.exit('CRITICAL the ring is gone')")
    )
    how = await asyncio.wait_for(child.wait(), 5)
    assert how == "status 1: CRITICAL the ring is gone"
    await child.stop()
