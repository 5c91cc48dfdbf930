"""What parts of the story have in common: a UE comes, is reached, and leaves."""

from collections.abc import Sequence

from testbed.errors import PeerError
from testbed.topology import DN_ADDRESS
from testbed.traffic import ping
from testbed.ueransim.node import Node, wait_for
from testbed.ueransim.plan import Subscriber
from testbed.ueransim.stage import Stage
from testbed.ueransim.ues import UE, await_registered, await_session

REGISTRATION_S = 30
_TRIES = 2
SESSION_S = 30
STATE_S = 15

#: Of a UE's log: nr-cli knows its nodes from then on.
STARTED = r"^\["


def attach(stage: Stage, name: str, who: Subscriber) -> UE:
    """Register a UE and let it have its PDU session."""
    stage.summary.doing(f"{who.supi} registers")
    node = stage.start_ues(name, [who])[0]
    tries = _register(node)
    seen = who.supi if tries == 1 else f"{who.supi}, switched on {tries} times"
    stage.summary.record("registration", seen, passed=True)
    ue = await_session(node, who, stage.lab.namespace("ues"), SESSION_S)
    record_session(stage, ue, "PDU session")
    return ue


def _register(node: Node) -> int:
    """Wait until a UE is registered; return how often it had to be switched on.

    Where the first broadcast of a cell escapes UERANSIM's UE, it may take the cell for one that it
    must not use, and stays without service.
    """
    for tries in range(1, _TRIES + 1):
        node.process.await_line(STARTED, STATE_S)
        try:
            await_registered(node, REGISTRATION_S)
        except PeerError:
            if tries == _TRIES:
                raise
            node.process.kill()
            node.process.start()
        else:
            break
    return tries


def record_session(stage: Stage, ue: UE, claim: str) -> None:
    """The UPF holds the UE's session in the slice it asked for."""
    held = [each for each in stage.sessions() if each["ue_ipv4"] == str(ue.address)]
    seen = f"{ue.address} on {ue.interface}, DNN {ue.subscriber.slice.dnn}; "
    seen += f"in the UPF: {', '.join(str(each['slice']) for each in held) or 'nothing'}"
    passed = [each["slice"] for each in held] == [ue.subscriber.slice.name]
    passed &= ue.address in ue.subscriber.slice.pool
    stage.summary.record(claim, seen, passed=passed)


def ping_both_ways(stage: Stage, ue: UE, claim: str, *, count: int) -> None:
    """Every packet is to arrive, up and down."""
    up = ping(ue.namespace, DN_ADDRESS, count=count, source=ue.address)
    down = ping(stage.lab.namespace("dn"), ue.address, count=count)
    seen = f"{up.received} of {up.sent} up, {down.received} of {down.sent} down"
    passed = up.received == up.sent and down.received == down.sent
    stage.summary.record(claim, seen, passed=passed)


def deregister(stage: Stage, ues: Sequence[UE]) -> None:
    """Switch UEs off: their sessions go from the UPF, and their programs end."""
    stage.summary.doing(f"{len(ues)} UEs deregister")
    for ue in ues:
        ue.node.ask("deregister switch-off")
    await_gone(stage, ues)
    ended = all(ue.node.process.await_end(STATE_S) for ue in ues)
    seen = f"{len(ues)} UEs, their sessions gone from the UPF"
    stage.summary.record("deregistration", seen, passed=ended)


def await_gone(stage: Stage, ues: Sequence[UE]) -> None:
    """Wait until the UPF holds no session of these UEs."""
    addresses = {str(ue.address) for ue in ues}

    def left() -> set[str]:
        return addresses & {str(each["ue_ipv4"]) for each in stage.sessions()}

    wait_for(lambda: not left(), STATE_S, lambda: f"sessions left of {sorted(left())}")
