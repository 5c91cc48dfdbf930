"""What is asked of UPF, core and RAN together, in the order it is asked: one verdict a row."""

from collections.abc import Sequence

from testbed.topology import DN_ADDRESS
from testbed.traffic import ping, tcp_goodput_mbps, udp_received_mbps
from testbed.ueransim.idle import go_idle_and_be_paged, go_idle_and_resume
from testbed.ueransim.node import Node
from testbed.ueransim.outages import outlive_the_smf, outlive_the_upf
from testbed.ueransim.plan import INTERNET, VIDEO, Subscriber, crowd, subscriber
from testbed.ueransim.stage import Stage
from testbed.ueransim.steps import (
    REGISTRATION_S,
    SESSION_S,
    STARTED,
    STATE_S,
    attach,
    await_gone,
    deregister,
    ping_both_ways,
    record_session,
)
from testbed.ueransim.ues import UE, await_registered, await_session

_CAP_MBPS = 5
_CAP_TOLERANCE = 0.15
_UNCAPPED_MBPS = 4 * _CAP_MBPS


def cast_of_ues(size_of_crowd: int) -> tuple[Subscriber, ...]:
    """All who will want to register."""
    internet = (subscriber(INTERNET, number) for number in range(3))
    return (*internet, subscriber(VIDEO, 0), *crowd(size_of_crowd))


def tell(stage: Stage, size_of_crowd: int, *, goes_idle: bool = True) -> None:
    """Play it all, idle mode if asked for. Raises TestbedError where it cannot go on."""
    first = attach(stage, "ue1", subscriber(INTERNET, 0))
    carry(stage, first)
    if goes_idle:
        go_idle_and_be_paged(stage, first)
        go_idle_and_resume(stage, first)
    first = release_and_ask_again(stage, first)
    second = attach(stage, "ue2", subscriber(VIDEO, 0))
    keep_slices_apart(stage, first, second)
    outlive_the_upf(stage, first)
    if size_of_crowd:
        gather(stage, crowd(size_of_crowd))
    deregister(stage, [first, second])
    outlive_the_smf(stage)
    look_back(stage)


def carry(stage: Stage, ue: UE) -> None:
    """Ping both ways, then TCP both ways."""
    ping_both_ways(stage, ue, "ping", count=10)
    dn = stage.lab.namespace("dn")
    for way in ("up", "down"):
        stage.summary.doing(f"TCP {way}link")
        goodput_mbps = tcp_goodput_mbps(
            ue.namespace, dn, DN_ADDRESS, downlink=way == "down", source=ue.address
        )
        passed = goodput_mbps > _UNCAPPED_MBPS
        stage.summary.record(f"iperf3 {way}link", f"{goodput_mbps:.0f} Mbit/s", passed=passed)


def release_and_ask_again(stage: Stage, ue: UE) -> UE:
    """End the PDU session and ask for another, the UE staying registered."""
    stage.summary.doing("the UE releases its PDU session")
    ue.node.ask("ps-release-all")
    await_gone(stage, [ue])
    stage.summary.record("PDU session released", "gone from the UPF", passed=True)
    of = ue.subscriber.slice
    ue.node.ask(f"ps-establish IPv4 --sst {of.sst} --sd {int(of.sd, 16)} --dnn {of.dnn}")
    again = await_session(ue.node, ue.subscriber, ue.namespace, SESSION_S)
    record_session(stage, again, "PDU session again")
    ping_both_ways(stage, again, "ping in it", count=5)
    return again


def keep_slices_apart(stage: Stage, first: UE, second: UE) -> None:
    """Two UEs in two slices: what caps one leaves the other alone."""
    ping_both_ways(stage, second, "ping in the second slice", count=10)
    of = second.subscriber.slice
    capped = {
        "sst": of.sst,
        "sd": of.sd,
        "dnns": [of.dnn],
        "uplink_mbps": _CAP_MBPS,
        "downlink_mbps": _CAP_MBPS,
    }
    stage.upf.rest.put(f"/v1/slices/{of.name}", capped)
    dn, offered_mbps = stage.lab.namespace("dn"), 2.0 * _UNCAPPED_MBPS
    rates_mbps = []
    for ue in (first, second):
        stage.summary.doing(f"{offered_mbps:g} Mbit/s down to {ue.address}")
        rates_mbps.append(
            udp_received_mbps(dn, ue.namespace, ue.address, offered_mbps=offered_mbps)
        )
    seen = f"{rates_mbps[0]:.1f} and {rates_mbps[1]:.1f} Mbit/s, the second capped to {_CAP_MBPS}"
    passed = rates_mbps[0] > _UNCAPPED_MBPS
    passed &= abs(rates_mbps[1] - _CAP_MBPS) <= _CAP_TOLERANCE * _CAP_MBPS
    stage.summary.record("two UEs in two slices", seen, passed=passed)


def gather(stage: Stage, subscribers: Sequence[Subscriber]) -> None:
    """Many UEs of one process: each registers, has its session and its traffic, and leaves."""
    stage.summary.doing(f"{len(subscribers)} UEs register")
    nodes = stage.start_ues("crowd", subscribers)
    nodes[0].process.await_line(STARTED, STATE_S)
    ues = [_arrive(stage, node, who) for node, who in zip(nodes, subscribers, strict=True)]
    answered = [
        ping(ue.namespace, DN_ADDRESS, count=3, source=ue.address).received == 3 for ue in ues
    ]
    addresses = {each.address for each in ues}
    seen = f"{len(addresses)} addresses, {sum(answered)} with every ping answered"
    passed = len(addresses) == len(subscribers) and all(answered)
    stage.summary.record(f"{len(subscribers)} UEs at once", seen, passed=passed)
    deregister(stage, ues)


def _arrive(stage: Stage, node: Node, who: Subscriber) -> UE:
    await_registered(node, REGISTRATION_S)
    return await_session(node, who, stage.lab.namespace("ues"), SESSION_S)


def look_back(stage: Stage) -> None:
    """Nothing is left in the UPF, nobody died, and the UPF's log tells of no fault."""
    left = stage.sessions()
    stage.summary.record("sessions left", f"{len(left)}", passed=not left)
    dead = stage.dead()
    stage.summary.record("programs that died", ", ".join(dead) or "none", passed=not dead)
    status, faults = stage.upf.stop(), stage.upf.faults()
    seen = f"exit status {status}, " + (faults[0] if faults else "no fault in its log")
    stage.summary.record("UPF stopped by SIGTERM", seen, passed=status == 0 and not faults)
