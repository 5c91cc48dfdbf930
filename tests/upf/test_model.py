"""Random conversations on N4, right and wrong, and random packets: the UPF and the program that it
programs agree with the model in every answer, verdict, count and report.

MODEL_SEQUENCES=10000 python -m pytest tests/upf/test_model.py    for a longer look
"""

from __future__ import annotations

import os
import random
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.layers.inet import IP
from scapy.layers.l2 import Ether

from p4xdp import frontend
from pfcp import enums, ies, messages
from tests.upf.interpreted import InterpretedTarget
from tests.upf.n4_model import Model, Packet
from upf import switch
from upf.made_frames import ethernet, g_pdu, user_packet
from upf.plan import Plan
from upf.routes import KernelState, Link, Neighbour, Route

SOURCE = Path(__file__).parents[2] / "p4" / "upf.p4"
SEQUENCES = int(os.environ.get("MODEL_SEQUENCES", "300"))
STEPS = 12
SMFS = ("10.100.4.1", "10.100.4.7")
N3 = IPv4Address("10.100.3.1")
GNBS = ("10.100.3.2", "10.100.3.3")
SERVERS = ("203.0.113.5", "198.51.100.9")
UES = tuple(f"10.45.0.{n}" for n in range(2, 6))
MACS = {"n3": 0x020000000301, "n6": 0x020000000601}
KERNEL = KernelState(
    links=(Link(3, "n3", MACS["n3"], mtu=1600), Link(6, "n6", MACS["n6"])),
    routes=(
        Route(IPv4Network("10.100.3.0/24"), 3),
        Route(IPv4Network("0.0.0.0/0"), 6, IPv4Address("10.100.6.2")),
    ),
    neighbours=(
        *(Neighbour(3, IPv4Address(gnb), 0x020000000302) for gnb in GNBS),
        Neighbour(6, IPv4Address("10.100.6.2"), 0x020000000602),
    ),
)
PUNTS = {3: "buffer", 4: "notify", 7: "unknown tunnel"}  # by P4's punt_reason_t
FILTERS = (
    ((17, None, None), "permit out 17 from any to assigned"),
    ((6, None, None), "permit out tcp from any to assigned"),
    ((None, "203.0.113.", None), "permit out ip from 203.0.113.0/24 to assigned"),
    ((17, None, 53), "permit out 17 from any 53 to assigned"),
    ((None, None, None), "permit out ip from any to any"),
)


@pytest.fixture(scope="module")
def program():
    return frontend.load(SOURCE)


@pytest.fixture
def target(program):
    return InterpretedTarget(program)


@pytest.fixture
async def upf(bench, target, networks, bindings):
    async def read():
        return KERNEL

    bench.routing._kernel.read = read
    bench.routing.routes = {}
    await bench.routing._refresh()
    await target.apply(Plan(inserts=tuple(switch.base_entries(networks, bindings))))
    for smf in SMFS:
        bench.associate((smf, 8805))
    return bench


async def test_the_upf_and_its_switch_do_what_the_model_says(upf, target):
    before = dict(target.entries)
    for seed in range(SEQUENCES):
        conversation = Conversation(upf, target, seed)
        await conversation.run()
        assert upf.n4.sessions == {}, seed
        assert target.entries.keys() == before.keys(), seed


class Conversation:
    """One sequence: a few sessions of two SMFs, changed and used in any order."""

    def __init__(self, upf, target, seed):
        self.random = random.Random(seed)
        self.upf, self.target, self.seed = upf, target, seed
        self.model = Model()
        self.seids: dict[int, int] = {}
        self.number = 0

    async def run(self):
        for step in range(STEPS):
            await self.random.choice(
                (self.establish, self.establish, self.modify, self.modify, self.delete)
            )()
            for _ in range(3):
                self.offer(step)
        for number in list(self.model.sessions):
            await self.end(number, self.model.sessions[number].owner)

    def fail(self, *what):
        return (f"seed {self.seed}", *what)

    # Requests.

    async def establish(self):
        self.number += 1
        creates = self.creates({kind: {} for kind in ("pdr", "far", "qer", "urr")}, whole=True)
        owner = self.random.choice(SMFS)
        causes = self.model.establish(self.number, owner, creates)
        request = messages.SessionEstablishmentRequest(
            node_id=ies.NodeID(value=IPv4Address(owner)),
            cp_fseid=ies.FSEID(seid=self.number, ipv4=IPv4Address(owner)),
            **self.ies_of(creates),
        )
        answer = await self.upf.ask(request, (owner, 8805))
        self.compare(answer, causes, creates)
        if answer.cause == 1:
            self.seids[self.number] = answer.up_fseid.seid

    async def modify(self):
        number = self.pick()
        if number is None:
            return
        session = self.model.sessions.get(number)
        owner = self.random.choice((*SMFS, session.owner if session else SMFS[0]))
        rules = session.rules if session else {kind: {} for kind in ("pdr", "far", "qer", "urr")}
        creates = self.creates(rules, whole=False)
        updates, removes = self.updates(rules), self.removes(rules)
        causes = self.model.modify(number, owner, creates, updates, removes)
        request = messages.SessionModificationRequest(
            seid=self.seids.get(number, 0x1234),
            **self.ies_of(creates),
            **self.update_ies(updates),
            remove_pdrs=tuple(ies.RemovePDR(pdr_id=each) for each in removes["pdr"]),
            remove_fars=tuple(ies.RemoveFAR(far_id=each) for each in removes["far"]),
            remove_qers=tuple(ies.RemoveQER(qer_id=each) for each in removes["qer"]),
        )
        answer = await self.upf.ask(request, (owner, 8805))
        self.compare(answer, causes, (creates, updates, removes))

    async def delete(self):
        number = self.pick()
        if number is not None:
            await self.end(number, self.random.choice(SMFS))

    async def end(self, number, owner):
        session = self.model.sessions.get(number)
        if session is not None and session.owner == owner:
            await self.compare_counts(session, self.seids[number])
        causes = self.model.delete(number, owner)
        request = messages.SessionDeletionRequest(seid=self.seids.get(number, 0x1234))
        answer = await self.upf.ask(request, (owner, 8805))
        self.compare(answer, causes, number)
        if answer.cause == 1:
            told = {each.urr_id: each.volume_measurement for each in answer.usage_reports}
            for urr_id in session.rules["urr"]:
                volume = told[urr_id]
                wanted = session.used.get(urr_id, [0, 0])
                got = [volume.uplink_bytes, volume.downlink_bytes]
                assert got == wanted, self.fail("report", urr_id)

    def compare(self, answer, causes, what):
        wanted = causes or {1}
        assert int(answer.cause) in wanted, self.fail(type(answer).__name__, causes, what)

    async def compare_counts(self, session, seid):
        counters = self.upf.resources.counters
        for pdr_id, pdr in self.upf.n4.sessions[seid].session.pdrs.items():
            found = (await counters.read([pdr.usage_id]))[pdr.usage_id]
            base = counters.base(pdr.usage_id)
            got = [found.packets - base.packets, found.octets - base.octets]
            wanted = session.passed.get(pdr_id, [0, 0])
            assert got == wanted, self.fail("count of PDR", pdr_id)

    def pick(self):
        known = list(self.seids)
        return self.random.choice(known) if known else None

    # Rules at random, most of them right.

    def creates(self, rules, *, whole):
        chance = self.random.random
        made = {"far": [], "qer": [], "urr": [], "pdr": []}
        for far_id in (1, 2, 3):
            if (whole and chance() < 0.97) or chance() < 0.12:
                made["far"].append((far_id, self.far(is_uplink=far_id == 1)))
        for qer_id in (1, 2):
            if (whole and chance() < 0.9) or chance() < 0.1:
                made["qer"].append((qer_id, self.qer()))
        if whole:
            made["urr"] = [(1, {}), (2, {})]
        pdr_ids = self.random.sample(range(1, 7), self.random.randint(1, 4) if whole else 1)
        for pdr_id in pdr_ids:
            if whole or chance() < 0.4:
                made["pdr"].append((pdr_id, self.pdr(rules, is_uplink=pdr_id % 2 == 1)))
        return made

    def far(self, *, is_uplink):
        if is_uplink:
            return {"what": self.random.choice(("core", "core", "core", "drop"))}
        what = self.random.choice(("tunnel",) * 5 + ("drop", "buffer", "notify"))
        return {
            "what": what,
            "teid": self.random.randint(1, 99),
            "peer": self.random.choice(GNBS),
        }

    def qer(self):
        return {
            "up": self.random.random() < 0.9,
            "down": self.random.random() < 0.9,
            "qfi": self.random.choice((None, 1, 9)),
        }

    def pdr(self, rules, *, is_uplink):
        ues = [each["ue"] for each in rules["pdr"].values() if each["ue"]]
        ue = ues[0] if ues else UES[(self.number - 1 + (self.random.random() < 0.1)) % len(UES)]
        fars = (1,) if is_uplink else (2, 3)
        filters = self.random.sample(range(len(FILTERS)), self.random.choice((0, 0, 1, 2)))
        return {
            "precedence": self.random.choice((0, 10, 20, 30, 255)),
            "teid": 0x100 + self.number if is_uplink and self.random.random() < 0.97 else None,
            "ue": ue,
            "is_uplink": is_uplink,
            "far": [self.random.choice(fars)] if self.random.random() < 0.97 else [77],
            "qer": self.random.sample((1, 2), self.random.choice((0, 1, 2))),
            "urr": self.random.sample((1, 2), self.random.choice((0, 1, 2))),
            "filters": [FILTERS[each][0] for each in filters],
            "texts": [FILTERS[each][1] for each in filters],
        }

    def updates(self, rules):
        made = {"far": {}, "qer": {}, "pdr": {}}
        if self.random.random() < 0.5:
            far_id = self.random.choice((1, 2, 3))
            made["far"][far_id] = self.far(is_uplink=far_id == 1)
        if self.random.random() < 0.3:
            made["qer"][self.random.choice((1, 2))] = self.qer_update()
        if self.random.random() < 0.3:
            pdr_id = self.random.choice((1, 2, 3, 4, 9))
            made["pdr"][pdr_id] = {"precedence": self.random.choice((5, 15, 200))}
        return made

    def qer_update(self):
        return {"up": self.random.random() < 0.7, "down": self.random.random() < 0.7}

    def removes(self, rules):
        made = {"pdr": [], "far": [], "qer": []}
        if rules["pdr"] and len(rules["pdr"]) > 1 and self.random.random() < 0.3:
            made["pdr"].append(self.random.choice(list(rules["pdr"])))
        for kind in ("far", "qer"):
            if self.random.random() < 0.07:
                made[kind].append(self.random.choice((1, 2, 3)))
        return made

    # As the wire has them.

    def ies_of(self, creates):
        return {
            "create_pdrs": tuple(self.create_pdr(*each) for each in creates["pdr"]),
            "create_fars": tuple(self.create_far(*each) for each in creates["far"]),
            "create_qers": tuple(
                ies.CreateQER(qer_id=qer_id, gate_status=gates(qer), qfi=qer["qfi"])
                for qer_id, qer in creates["qer"]
            ),
            "create_urrs": tuple(
                ies.CreateURR(
                    urr_id=urr_id,
                    measurement_method=ies.MeasurementMethod(volum=True),
                    reporting_triggers=ies.ReportingTriggers(),
                )
                for urr_id, _ in creates["urr"]
            ),
        }

    def update_ies(self, updates):
        return {
            "update_fars": tuple(
                ies.UpdateFAR(
                    far_id=far_id,
                    apply_action=actions(far),
                    update_forwarding_parameters=parameters(far, ies.UpdateForwardingParameters),
                )
                for far_id, far in updates["far"].items()
            ),
            "update_qers": tuple(
                ies.UpdateQER(qer_id=qer_id, gate_status=gates(qer))
                for qer_id, qer in updates["qer"].items()
            ),
            "update_pdrs": tuple(
                ies.UpdatePDR(pdr_id=pdr_id, precedence=pdr["precedence"])
                for pdr_id, pdr in updates["pdr"].items()
            ),
        }

    def create_pdr(self, pdr_id, pdr):
        has_tunnel = pdr["teid"] is not None
        interface = enums.SourceInterface.ACCESS if has_tunnel else enums.SourceInterface.CORE
        pdi = ies.PDI(
            source_interface=interface,
            local_fteid=ies.FTEID(teid=pdr["teid"], ipv4=N3) if has_tunnel else None,
            ue_ip_addresses=(ies.UEIPAddress(ipv4=IPv4Address(pdr["ue"])),),
            sdf_filters=tuple(ies.SDFFilter(flow_description=each) for each in pdr["texts"]),
        )
        removal = ies.OuterHeaderRemoval(
            description=enums.OuterHeaderRemovalDescription.GTPU_UDP_IP
        )
        return ies.CreatePDR(
            pdr_id=pdr_id,
            precedence=pdr["precedence"],
            pdi=pdi,
            outer_header_removal=removal if has_tunnel else None,
            far_id=pdr["far"][0],
            qer_ids=tuple(pdr["qer"]),
            urr_ids=tuple(pdr["urr"]),
        )

    def create_far(self, far_id, far):
        return ies.CreateFAR(
            far_id=far_id,
            apply_action=actions(far),
            forwarding_parameters=parameters(far, ies.ForwardingParameters),
        )

    # Packets.

    def offer(self, step):
        packet = self.packet()
        wanted = self.model.verdict(packet)
        payload = user_packet(
            IPv4Address(packet.src),
            IPv4Address(packet.dst),
            protocol=packet.protocol,
            src_port=packet.src_port,
            dst_port=packet.dst_port,
            octets=packet.octets,
        )
        assert len(payload) == packet.octets
        if packet.teid is None:
            result = self.target.run(2, ethernet(MACS["n6"], payload))
        else:
            outer = g_pdu(IPv4Address(GNBS[0]), N3, packet.teid, 9, payload)
            result = self.target.run(1, ethernet(MACS["n3"], outer))
        assert told(result) == (wanted[0], wanted[1] if wanted[0] == "tunnel" else None), self.fail(
            step, packet, wanted, told(result)
        )

    def packet(self):
        protocol = self.random.choice((6, 17))
        ue, server = self.random.choice(UES), self.random.choice(SERVERS)
        ports = self.random.choice((53, 5000)), 4000
        octets = self.random.choice((60, 576, 1200))
        # Mostly of a session that is there, or was.
        rules = [each.rules["pdr"] for each in self.model.sessions.values()]
        pdrs = [pdr for each in rules for pdr in each.values()]
        if pdrs and self.random.random() < 0.8:
            ue = self.random.choice(pdrs)["ue"]
        teids = [each["teid"] for each in pdrs if each["teid"] is not None and each["ue"] == ue]
        if self.random.random() < 0.5:
            teid = self.random.choice([*teids * 4, 0x100 + self.random.randint(1, self.number + 1)])
            return Packet(ue, server, protocol, ports[1], ports[0], octets, teid)
        return Packet(server, ue, protocol, ports[0], ports[1], octets)


def gates(qer):
    return ies.GateStatus(uplink=0 if qer["up"] else 1, downlink=0 if qer["down"] else 1)


def actions(far):
    return {
        "core": ies.ApplyAction(forw=True),
        "tunnel": ies.ApplyAction(forw=True),
        "drop": ies.ApplyAction(drop=True),
        "buffer": ies.ApplyAction(buff=True, nocp=True),
        "notify": ies.ApplyAction(drop=True, nocp=True),
    }[far["what"]]


def parameters(far, kind):
    if far["what"] == "core":
        return kind(destination_interface=enums.DestinationInterface.CORE)
    if far["what"] == "tunnel":
        creation = ies.OuterHeaderCreation(teid=far["teid"], ipv4=IPv4Address(far["peer"]))
        return kind(
            destination_interface=enums.DestinationInterface.ACCESS,
            outer_header_creation=creation,
        )
    return None


def told(result):
    """A result in the model's words."""
    if result.verdict == "controller":
        return PUNTS[result.frame[7]], None
    if result.verdict != "forward":
        return result.verdict, None
    frame = Ether(result.frame)
    if GTP_U_Header not in frame:
        return "core", None
    gtp = frame[GTP_U_Header]
    container = frame.getlayer(GTPPDUSessionContainer)
    return "tunnel", (gtp.teid, frame[IP].dst, None if container is None else container.QFI)
