"""What TS 29.244 says of sessions, in as few words as it can be said: a model to be held against.

Rules are plain dictionaries, every packet is held against every rule. Causes are those of clause
8.2.1; a request that the model refuses is to be refused with one of the causes it gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field

NOT_FOUND, CONDITIONAL_MISSING, RULE_FAILURE, UNSUPPORTED = 65, 67, 73, 76
KINDS = ("pdr", "far", "qer", "urr")


@dataclass(frozen=True)
class Packet:
    """A user's packet; `teid` is that of the tunnel it comes by, None for one from the core."""

    src: str
    dst: str
    protocol: int
    src_port: int
    dst_port: int
    octets: int
    teid: int | None = None


@dataclass
class Session:
    owner: str
    rules: dict = field(default_factory=lambda: {kind: {} for kind in KINDS})
    passed: dict = field(default_factory=dict)  # PDR: [packets, octets]
    used: dict = field(default_factory=dict)  # URR: [uplink octets, downlink octets]


class Model:
    """All sessions, by the number a test gives them."""

    def __init__(self):
        self.sessions: dict[int, Session] = {}

    def establish(self, number, owner, creates):
        """The causes to refuse it with, none if it is accepted."""
        session = Session(owner)
        session.rules, causes = _changed(session.rules, creates, {}, {})
        if not causes:
            causes = self._standing(session)
        if not causes:
            self.sessions[number] = session
        return causes

    def modify(self, number, owner, creates, updates, removes):
        session = self.sessions.get(number)
        if session is None or session.owner != owner:
            return {NOT_FOUND}
        rules, causes = _changed(session.rules, creates, updates, removes)
        if not causes:
            after = Session(owner, rules, session.passed, session.used)
            causes = self._standing(after, number)
        if not causes:
            session.rules = rules
            for pdr_id, _ in creates["pdr"]:
                session.passed.pop(pdr_id, None)  # a rule made anew is another one
        return causes

    def delete(self, number, owner):
        session = self.sessions.get(number)
        if session is None or session.owner != owner:
            return {NOT_FOUND}
        del self.sessions[number]
        return set()

    def _standing(self, session, number=None):
        """What is wrong with a session's rules as they would be."""
        causes = set()
        rules = session.rules
        for pdr in rules["pdr"].values():
            for kind in ("far", "qer", "urr"):
                if any(each not in rules[kind] for each in pdr[kind]):
                    causes.add(RULE_FAILURE)
            if not pdr["far"]:
                causes.add(CONDITIONAL_MISSING)
            if pdr["teid"] == 0:
                causes.add(RULE_FAILURE)
        for other_number, other in self.sessions.items():
            if other_number != number and _keys(session) & _keys(other):
                causes.add(RULE_FAILURE)
        return causes

    def verdict(self, packet):
        """What becomes of a packet: (what, details); it is counted if it passes."""
        for session in self.sessions.values():
            pdrs = [
                (each["precedence"], pdr_id, each)
                for pdr_id, each in session.rules["pdr"].items()
                if _is_looked_up(each, packet)
            ]
            if pdrs:
                return _decided(session, sorted(pdrs, key=lambda each: each[:2]), packet)
        return ("unknown tunnel" if packet.teid is not None else "host"), None


def _changed(rules, creates, updates, removes):
    """Rules after a change, and what is wrong with it."""
    causes = set()
    after = {kind: dict(rules[kind]) for kind in KINDS}
    for kind in KINDS:
        for rule_id in removes.get(kind, ()):
            if rule_id not in rules[kind]:
                causes.add(RULE_FAILURE)
        for rule_id, fields in updates.get(kind, {}).items():
            if rule_id not in rules[kind]:
                causes.add(RULE_FAILURE)
            else:
                after[kind][rule_id] = {**rules[kind][rule_id], **fields}
        for rule_id in removes.get(kind, ()):
            after[kind].pop(rule_id, None)
        for rule_id, rule in creates.get(kind, ()):
            if rule_id in after[kind]:
                causes.add(RULE_FAILURE)
            after[kind][rule_id] = rule
    return after, causes


def _keys(session):
    """What a session is found by, which no other may be."""
    found = set()
    for each in session.rules["pdr"].values():
        found.add(("teid", each["teid"]) if each["teid"] is not None else ("ue", each["ue"]))
    return found


def _is_looked_up(pdr, packet):
    if packet.teid is not None:
        return pdr["teid"] == packet.teid
    return pdr["teid"] is None and pdr["ue"] == packet.dst


def _decided(session, pdrs, packet):
    is_uplink = packet.teid is not None
    for _, pdr_id, pdr in pdrs:
        # Whatever the rules are: no packet of somebody else's address passes.
        if is_uplink and pdr["ue"] != packet.src:
            continue
        if pdr["filters"] and not any(_matches(each, packet) for each in pdr["filters"]):
            continue
        qers = [session.rules["qer"][each] for each in pdr["qer"]]
        if not all(each["up" if is_uplink else "down"] for each in qers):
            return "drop", None
        far = session.rules["far"][pdr["far"][0]]
        if far["what"] in ("drop", "buffer", "notify"):
            return far["what"], pdr_id
        _count(session, pdr_id, pdr, packet)
        if far["what"] == "core":
            return "core", None
        qfi = next((each["qfi"] for each in qers if each["qfi"] is not None), None)
        return "tunnel", (far["teid"], far["peer"], qfi)
    return "drop", None


def _matches(sdf_filter, packet):
    """A filter is written as from the far end to the UE."""
    protocol, network, port = sdf_filter
    is_uplink = packet.teid is not None
    far_end = packet.dst if is_uplink else packet.src
    far_port = packet.dst_port if is_uplink else packet.src_port
    return (
        protocol in (None, packet.protocol)
        and (network is None or far_end.startswith(network))
        and port in (None, far_port)
    )


def _count(session, pdr_id, pdr, packet):
    cell = session.passed.setdefault(pdr_id, [0, 0])
    cell[0] += 1
    cell[1] += packet.octets
    for urr_id in pdr["urr"]:
        session.used.setdefault(urr_id, [0, 0])[packet.teid is None] += packet.octets
