"""What to do about a packet that did not go where it should: for people who look for the cause."""

from __future__ import annotations

from upf.drops import DropReason
from upf.punts import PuntReason

DROPPED = {
    DropReason.UNKNOWN_PORT: "name the interface in [[interface]], or see whether it is up",
    DropReason.MALFORMED_GTPU: "capture it on N3 and look at the GTP-U header the gNB sends",
    DropReason.UNSUPPORTED_INNER: "only IP sessions are served: see what the gNB tunnels",
    DropReason.NO_SESSION: "compare TEID or UE address with `upf sessions`: the session is gone, "
    "or the sender is told another one",
    DropReason.SPOOFED_SOURCE: "compare the UE's address with `upf sessions`: the SMF gave it "
    "another one, or the UE forwards for others (framed routes)",
    DropReason.GATE_CLOSED: "the SMF closed the gate in a QER: ask its policy (PCF) why",
    DropReason.FAR: "the SMF's FAR says DROP: ask the SMF why",
    DropReason.BUFFERING: "the UE is idle and its buffer full: see whether paging reaches it",
    DropReason.NO_TUNNEL_PEER: "add a route to the gNB: `ip route get` its address",
    DropReason.NO_ROUTE: "add a route to the destination on an interface of the session's network "
    "instance: `ip route get` it, `upf` follows the kernel",
    DropReason.NO_NEXT_HOP: "see `ip neigh` on the interface: the next hop went away a moment ago",
    DropReason.SLICE_CAPACITY: "raise the slice's capacity, or see who uses it: `upf top`",
    DropReason.NO_MATCHING_RULE: "compare the packet with the SDF filters of the session's PDRs: "
    "`upf sessions SEID`",
    DropReason.FLOW_RATE: "the SMF's QER limits the flow (MBR): ask for a higher one",
    DropReason.SESSION_RATE: "the SMF's QER limits the session (AMBR): ask for a higher one",
    DropReason.QUOTA_EXHAUSTED: "the SMF grants no more volume: ask charging (CHF)",
    DropReason.MALFORMED_IP: "capture it: headers are cut off or contradict each other",
    DropReason.OUTER_FRAGMENT: "raise the MTU of N3 to 1544 or more, or lower that of UEs to 1456",
    DropReason.PUNT_RATE: "see `upf drops`: who sends so much that the UPF has to look at?",
    DropReason.TRUNCATED: "capture it: the sender or a driver cuts packets short",
}

# What becomes of packets that the pipeline shows the UPF, and what to do if they should go on.
SHOWN = {
    PuntReason.GTPU_NODE: ("is a GTP-U message of the path, which the UPF answers itself", None),
    PuntReason.NEIGHBOUR: (
        "waits until the kernel has found the next hop's MAC address, then goes on",
        "if it stays so, see `ip neigh` for the next hop: does it answer ARP or ND?",
    ),
    PuntReason.BUFFER: (
        "waits in the UPF until the UE is found; the SMF is told of the first one",
        "if it stays so, paging does not reach the UE: ask the SMF and the AMF",
    ),
    PuntReason.NOTIFY: (
        "is dropped, and the SMF told of it",
        "the SMF's FAR says so: ask the SMF why",
    ),
    PuntReason.TTL_EXPIRED: ("has no hop left to live and goes no further", "look for a loop"),
    PuntReason.TOO_BIG: (
        "is longer than what fits the way out",
        "raise the MTU of that interface, or lower that of UEs",
    ),
    PuntReason.UNKNOWN_TUNNEL: (
        "came in a tunnel that no session has; the sender is told (error indication)",
        "compare the TEID with `upf sessions`: the session is gone, or the gNB uses an old TEID",
    ),
    PuntReason.QUOTA_EXHAUSTED: (
        "is the first that a spent quota stopped; the SMF is told",
        "the SMF grants no more volume: ask charging (CHF)",
    ),
    PuntReason.GTPU_EXTENSION: (
        "has a GTP-U extension header that has to be understood and is not",
        "capture it on N3 and look at the extension headers the gNB sends",
    ),
}
