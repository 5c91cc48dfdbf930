"""Outages: the UPF, then the SMF is killed and started again."""

from concurrent.futures import ThreadPoolExecutor

from testbed.topology import DN_ADDRESS
from testbed.traffic import ping
from testbed.ueransim.node import wait_for
from testbed.ueransim.plan import INTERNET, subscriber
from testbed.ueransim.stage import Stage
from testbed.ueransim.steps import attach, await_gone, deregister, ping_both_ways
from testbed.ueransim.ues import UE

_PINGS_MEANWHILE = 60


def outlive_the_upf(stage: Stage, ue: UE) -> None:
    """Kill the UPF and start it again while a UE pings: neither it nor the core notices."""
    stage.summary.doing("the UPF is killed and started again")
    held = {each["up_seid"] for each in stage.sessions()}
    with ThreadPoolExecutor(1) as meanwhile:
        pings = meanwhile.submit(
            ping,
            ue.namespace,
            DN_ADDRESS,
            count=_PINGS_MEANWHILE,
            interval_s=0.1,
            source=ue.address,
        )
        stage.upf.kill()
        stage.upf.start()
        result = pings.result()
    kept = held & {each["up_seid"] for each in stage.sessions()}
    seen = f"{result.received} of {result.sent} pings answered meanwhile, {len(kept)} sessions kept"
    passed = result.received == result.sent and kept == held
    stage.summary.record("UPF killed and back", seen, passed=passed)
    ping_both_ways(stage, ue, "ping after it", count=5)


def outlive_the_smf(stage: Stage) -> None:
    """Kill the SMF and start it again: it finds the UPF, which has dropped its lost sessions."""
    lost = attach(stage, "ue3", subscriber(INTERNET, 1))
    stage.summary.doing("the SMF is killed and started again")
    before = _associated_since(stage)
    stage.restart("smf")
    patience_s = stage.cast.core.association_s
    seconds = wait_for(
        lambda: _associated_since(stage) not in {before, None},
        patience_s,
        lambda: "no new association of the SMF",
    )
    await_gone(stage, [lost])
    seen = f"associated {seconds:.1f} s after it was ready, its old session gone from the UPF"
    stage.summary.record("SMF killed and back", seen, passed=True)
    after = attach(stage, "ue4", subscriber(INTERNET, 2))
    ping_both_ways(stage, after, "ping after it", count=5)
    deregister(stage, [after])


def _associated_since(stage: Stage) -> str | None:
    """When the SMF's association was made; None while there is none."""
    found = stage.upf.rest.get("/v1/associations")
    return found[0]["since"] if found else None
