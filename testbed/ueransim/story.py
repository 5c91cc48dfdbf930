"""What is asked of UPF, core and RAN together, in the order it is asked: one verdict a row."""

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from testbed.errors import PeerError
from testbed.topology import DN_ADDRESS
from testbed.traffic import ping, tcp_goodput_mbps, udp_received_mbps
from testbed.ueransim.node import Node, wait_for
from testbed.ueransim.plan import INTERNET, VIDEO, Subscriber, crowd, subscriber
from testbed.ueransim.stage import Stage
from testbed.ueransim.ues import UE, await_registered, await_session

_REGISTRATION_S = 30
_SESSION_S = 30
_STATE_S = 15
_CAP_MBPS = 5
_CAP_TOLERANCE = 0.15
_UNCAPPED_MBPS = 4 * _CAP_MBPS
_PATIENCE_S = 8.0  # of pings that wait for paging
_NO_AMF = "Could not find a suitable AMF"  # in the gNB's log
_PINGS_MEANWHILE = 60
_UE_ID = re.compile(r"ue-id: (\d+)")


def cast_of_ues(size_of_crowd: int) -> tuple[Subscriber, ...]:
    """All who will want to register."""
    return (subscriber(INTERNET, 0), subscriber(VIDEO, 0), *crowd(size_of_crowd))


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
    look_back(stage)


def attach(stage: Stage, name: str, who: Subscriber) -> UE:
    """Register a UE and let it have its PDU session."""
    stage.summary.doing(f"{who.supi} registers")
    node = stage.start_ues(name, [who])[0]
    node.process.await_line(r"\S", _STATE_S)
    seconds = await_registered(node, _REGISTRATION_S)
    stage.summary.record("registration", f"{who.supi} after {seconds:.1f} s", passed=True)
    ue = await_session(node, who, stage.lab.namespace("ues"), _SESSION_S)
    _record_session(stage, ue, "PDU session")
    return ue


def _record_session(stage: Stage, ue: UE, claim: str) -> None:
    held = [each for each in stage.sessions() if each["ue_ipv4"] == str(ue.address)]
    seen = f"{ue.address} on {ue.interface}, DNN {ue.subscriber.slice.dnn}; "
    seen += f"in the UPF: {', '.join(str(each['slice']) for each in held) or 'nothing'}"
    passed = [each["slice"] for each in held] == [ue.subscriber.slice.name]
    passed &= ue.address in ue.subscriber.slice.pool
    stage.summary.record(claim, seen, passed=passed)


def carry(stage: Stage, ue: UE) -> None:
    """Ping both ways, then TCP both ways."""
    _ping(stage, ue, "ping", count=10)
    dn = stage.lab.namespace("dn")
    for way in ("up", "down"):
        stage.summary.doing(f"TCP {way}link")
        goodput_mbps = tcp_goodput_mbps(
            ue.namespace, dn, DN_ADDRESS, downlink=way == "down", source=ue.address
        )
        passed = goodput_mbps > _UNCAPPED_MBPS
        stage.summary.record(f"iperf3 {way}link", f"{goodput_mbps:.0f} Mbit/s", passed=passed)


def _ping(stage: Stage, ue: UE, claim: str, *, count: int) -> None:
    up = ping(ue.namespace, DN_ADDRESS, count=count, source=ue.address)
    down = ping(stage.lab.namespace("dn"), ue.address, count=count)
    seen = f"{up.received} of {up.sent} up, {down.received} of {down.sent} down"
    passed = up.received == up.sent and down.received == down.sent
    stage.summary.record(claim, seen, passed=passed)


def _release_radio(stage: Stage, ue: UE) -> None:
    """Let the gNB release every UE it serves; wait until this one is idle."""
    for ue_id in _UE_ID.findall(stage.gnb.ask("ue-list")):
        stage.gnb.ask(f"ue-release {ue_id}")
    seconds = ue.node.await_field("status", "cm-state", "CM-IDLE", _STATE_S)
    waits = _await_rules(stage, ue, lambda actions: "FORW" not in actions)
    seen = f"CM-IDLE after {seconds:.1f} s, downlink {waits}"
    stage.summary.record("idle", seen, passed="BUFF" in waits)


def _await_rules(stage: Stage, ue: UE, holds: Callable[[str], bool]) -> str:
    """Wait until the downlink FAR's apply action is as wanted; return it."""
    actions = ""

    def is_so() -> bool:
        nonlocal actions
        actions = _downlink_action(stage, ue)
        return holds(actions)

    wait_for(is_so, _STATE_S, lambda: f"the downlink FAR of {ue.address} is {actions}")
    return actions


def _downlink_action(stage: Stage, ue: UE) -> str:
    seid = next(e["up_seid"] for e in stage.sessions() if e["ue_ipv4"] == str(ue.address))
    rules = stage.upf.rest.get(f"/v1/sessions/{seid}")["rules"]
    downlink = {e["far_id"] for e in rules["pdrs"] if e["pdi"]["source_interface"] == "core"}
    actions = [str(e["apply_action"]) for e in rules["fars"] if e["far_id"] in downlink]
    return " ".join(actions)


def go_idle_and_be_paged(stage: Stage, ue: UE) -> None:
    """What is sent to an idle UE waits in the UPF until paging has woken it: none is lost."""
    _release_radio(stage, ue)
    stage.summary.doing("pinging the idle UE")
    dn = stage.lab.namespace("dn")
    woken = ping(dn, ue.address, count=5, interval_s=0.2, patience_s=_PATIENCE_S)
    state = ue.node.fields("status").get("cm-state", "nothing")
    seen = f"{woken.received} of {woken.sent} answered, UE {state}"
    passed = woken.received == woken.sent and state == "CM-CONNECTED"
    stage.summary.record("paging and resume", seen, passed=passed)
    if not passed and any(_NO_AMF in line for line in stage.gnb.process.lines()):
        raise PeerError(
            "the gNB found no AMF for the UE's service request: UERANSIM as published drops those "
            "that carry no requested NSSAI. docs/interop.md tells the change that helps; --no-idle "
            "leaves this part out"
        )
    _ping(stage, ue, "ping after paging", count=5)


def go_idle_and_resume(stage: Stage, ue: UE) -> None:
    """An idle UE that has something to send asks for its session itself."""
    _release_radio(stage, ue)
    stage.summary.doing("the idle UE pings")
    sent = ping(
        ue.namespace,
        DN_ADDRESS,
        count=5,
        interval_s=0.5,
        patience_s=_PATIENCE_S,
        source=ue.address,
    )
    state = ue.node.fields("status").get("cm-state", "nothing")
    seen = f"{sent.received} of {sent.sent} answered, UE {state}"
    passed = sent.received > 0 and state == "CM-CONNECTED"
    stage.summary.record("resume by the UE", seen, passed=passed)
    _ping(stage, ue, "ping after resume", count=5)


def release_and_ask_again(stage: Stage, ue: UE) -> UE:
    """End the PDU session and ask for another, the UE staying registered."""
    stage.summary.doing("the UE releases its PDU session")
    ue.node.ask("ps-release-all")
    _await_gone(stage, [ue])
    stage.summary.record("PDU session released", "gone from the UPF", passed=True)
    of = ue.subscriber.slice
    ue.node.ask(f"ps-establish IPv4 --sst {of.sst} --sd {int(of.sd, 16)} --dnn {of.dnn}")
    again = await_session(ue.node, ue.subscriber, ue.namespace, _SESSION_S)
    _record_session(stage, again, "PDU session again")
    _ping(stage, again, "ping in it", count=5)
    return again


def keep_slices_apart(stage: Stage, first: UE, second: UE) -> None:
    """Two UEs in two slices: what caps one leaves the other alone."""
    _ping(stage, second, "ping in the second slice", count=10)
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
    _ping(stage, ue, "ping after it", count=5)


def gather(stage: Stage, subscribers: Sequence[Subscriber]) -> None:
    """Many UEs of one process: each registers, has its session and its traffic, and leaves."""
    stage.summary.doing(f"{len(subscribers)} UEs register")
    nodes = stage.start_ues("crowd", subscribers)
    nodes[0].process.await_line(r"\S", _STATE_S)
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
    await_registered(node, _REGISTRATION_S)
    return await_session(node, who, stage.lab.namespace("ues"), _SESSION_S)


def deregister(stage: Stage, ues: Sequence[UE]) -> None:
    """Switch UEs off: their sessions go from the UPF, and their programs end."""
    stage.summary.doing(f"{len(ues)} UEs deregister")
    for ue in ues:
        ue.node.ask("deregister switch-off")
    _await_gone(stage, ues)
    ended = all(ue.node.process.await_end(_STATE_S) for ue in ues)
    seen = f"{len(ues)} UEs, their sessions gone from the UPF"
    stage.summary.record("deregistration", seen, passed=ended)


def _await_gone(stage: Stage, ues: Sequence[UE]) -> None:
    addresses = {str(ue.address) for ue in ues}

    def left() -> set[str]:
        return addresses & {str(each["ue_ipv4"]) for each in stage.sessions()}

    wait_for(lambda: not left(), _STATE_S, lambda: f"sessions left of {sorted(left())}")


def look_back(stage: Stage) -> None:
    """Nothing is left in the UPF, nobody died, and the UPF's log tells of no fault."""
    left = stage.sessions()
    stage.summary.record("sessions left", f"{len(left)}", passed=not left)
    dead = stage.dead()
    stage.summary.record("programs that died", ", ".join(dead) or "none", passed=not dead)
    status, faults = stage.upf.stop(), stage.upf.faults()
    seen = f"exit status {status}, " + (faults[0] if faults else "no fault in its log")
    stage.summary.record("UPF stopped by SIGTERM", seen, passed=status == 0 and not faults)
