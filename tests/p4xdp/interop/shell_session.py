"""What p4runtime-shell does with a switch: run by the Python that it is installed for.

    python shell_session.py ADDRESS P4INFO DEVICE_CONFIG

Says one line for each thing that it saw work. An assertion or a refusal ends it.
"""

import sys

import p4runtime_sh.shell as sh
from p4runtime_sh.context import P4RuntimeEntity  # noqa: F401 - as its users import it
from p4runtime_sh.p4runtime import P4RuntimeException, P4RuntimeWriteException

FRAME = bytes.fromhex("020000000002020000000001 88b5") + b"from the shell".ljust(60, b"\0")


def seen(what):
    print(what, flush=True)  # noqa: T201 - it is what the test reads


def refusal_of(write):
    """What a write is refused with."""
    try:
        write()
    except P4RuntimeWriteException as refusal:
        return str(refusal)
    return "nothing"


def every_kind_of_match():
    made = []
    exact = sh.TableEntry("stations")(action="mark")
    exact.match["address"] = "02:00:00:00:00:07"
    made.append(exact)
    lpm = sh.TableEntry("vendors")(action="mark_paced")
    lpm.match["address"] = "02:00:5e:00:00:00/24"
    made.append(lpm)
    ternary = sh.TableEntry("filters")(action="mark")
    ternary.match["ether_type"] = "0x0800&&&0xff00"
    ternary.priority = 10
    made.append(ternary)
    mixed = sh.TableEntry("rules")(action="mark")
    mixed.match["ether_type"] = "0x0800"
    mixed.match["address"] = "02:00:00:00:00:00&&&ff:00:00:00:00:00"
    mixed.match["last"] = "5..80"
    mixed.priority = 3
    made.append(mixed)
    for kind, entry in zip(("exact", "lpm", "ternary", "range"), made, strict=True):
        entry.action["value"] = "0x0012"
        entry.insert()
        entry.action["value"] = "0x34"
        entry.modify()
        (found,) = entry.read()
        assert found.action["value"].value == b"\x34", found
        assert "ALREADY_EXISTS" in refusal_of(entry.insert)
        entry.delete()
        assert not list(sh.TableEntry(entry.name).read())
        seen(f"insert, modify, read, delete: {kind}")


def default_action():
    entry = sh.TableEntry("wires")(action="send", is_default=True)
    entry.action["port"] = "2"
    entry.modify()
    query = sh.TableEntry("wires")
    query.is_default = True
    (found,) = query.read()
    assert found.action["port"].value == b"\x02", found
    seen("default action")


def meters():
    cell = sh.MeterEntry("limits")
    cell.index = 5
    cell.cir, cell.cburst, cell.pir, cell.pburst = 1000, 2000, 3000, 4000
    cell.modify()
    query = sh.MeterEntry("limits")
    query.index = 5
    (found,) = query.read()
    assert (found.cir, found.cburst, found.pir, found.pburst) == (1000, 2000, 3000, 4000)
    seen("meter")


def direct_meter():
    entry = sh.TableEntry("vendors")(action="mark_paced")
    entry.match["address"] = "02:00:00:00:00:00/8"
    entry.action["value"] = "1"
    entry.insert()
    own = sh.DirectMeterEntry("pace")
    own.table_entry.match["address"] = "02:00:00:00:00:00/8"
    own.cir, own.cburst, own.pir, own.pburst = 1, 2, 3, 4
    own.modify()
    (found,) = own.read()
    assert (found.cir, found.pburst) == (1, 4), found
    entry.delete()
    seen("direct meter")


def packets_and_counters():
    entry = sh.TableEntry("wires")(action="to_controller")
    entry.match["ingress_port"] = "2"
    entry.insert()
    out = sh.PacketOut(payload=FRAME)
    out.metadata["egress_port"] = "1"
    listener = sh.PacketIn()
    # The two ports are the ends of one cable: what leaves by 1 comes in by 2.
    out.send()
    found = []
    listener.sniff(found.append, timeout=3)
    ours = [packet for packet in found if packet.packet.payload == FRAME]
    assert len(ours) == 1, found
    fields = {each.metadata_id: each.value for each in ours[0].packet.metadata}
    assert fields[1] == b"\x02", fields
    seen("packet-out and packet-in")
    cell = sh.CounterEntry("received")
    cell.index = 2
    (counted,) = cell.read()
    assert counted.packet_count >= 1, counted
    own = sh.DirectCounterEntry("sent")
    own.table_entry.match["ingress_port"] = "2"
    (counted,) = own.read()
    assert counted.packet_count >= 1, counted
    cell.clear_data()
    cell.packet_count = cell.byte_count = 0
    cell.modify()
    entry.delete()
    seen("counters, indexed and direct")


def refusals():
    entry = sh.TableEntry("stations")(action="mark")
    entry.match["address"] = "02:00:00:00:00:09"
    entry.action["value"] = "1"
    assert "NOT_FOUND" in refusal_of(entry.delete)
    seen("the reason of a refusal")


def main():
    address, p4info, device_config = sys.argv[1:]
    config = sh.FwdPipeConfig(p4info, device_config)
    sh.setup(device_id=1, grpc_addr=address, election_id=(0, 1), config=config)
    seen("arbitration, and the pipeline config pushed")
    try:
        for step in (
            every_kind_of_match,
            default_action,
            meters,
            direct_meter,
            packets_and_counters,
            refusals,
        ):
            step()
    finally:
        sh.teardown()
    # Once more, with what the switch tells of itself.
    sh.setup(device_id=1, grpc_addr=address, election_id=(0, 2))
    assert "stations" in [table.name.split(".")[-1] for table in sh.P4Objects(sh.P4Type.table)]
    sh.teardown()
    seen("the pipeline config read")


if __name__ == "__main__":
    try:
        main()
    except P4RuntimeException as refusal:
        sys.exit(f"refused: {refusal}")
