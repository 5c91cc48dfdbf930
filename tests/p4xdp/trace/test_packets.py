"""Packets for a trace: from hex, from capture files, from a program's own headers."""

from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import PcapNgWriter, wrpcap

from p4xdp import frontend
from p4xdp.trace import FileSource, TraceError
from p4xdp.trace.files import frame_of_capture, frame_of_hex
from p4xdp.trace.headers import frame_of_headers

UPF = Path(__file__).parents[3] / "p4" / "upf.p4"


@pytest.fixture(scope="module")
def program():
    return frontend.load(UPF)


@pytest.mark.parametrize("text", ["0x00ffab", "00 ff ab", "00:ff:ab", "00ff\n  ab"])
def test_hex_may_be_written_as_people_do(text):
    assert frame_of_hex(text) == b"\x00\xff\xab"


@pytest.mark.parametrize("text", ["0", "zz", "00 f"])
def test_what_is_not_hex_is_told(text):
    with pytest.raises(TraceError, match="is not hex"):
        frame_of_hex(text)


FRAMES = [bytes(Ether() / IP(dst="10.0.0.1") / UDP() / bytes(length)) for length in (5, 18, 33)]


def written(tmp_path, kind):
    path = tmp_path / f"frames.{kind}"
    if kind == "pcapng":
        with PcapNgWriter(str(path)) as writer:
            for frame in FRAMES:
                writer.write(Ether(frame))
    else:
        wrpcap(str(path), [Ether(frame) for frame in FRAMES], nano=kind == "nano")
    return path


@pytest.mark.parametrize("kind", ["pcap", "nano", "pcapng"])
def test_a_frame_is_taken_from_a_capture_by_its_number(tmp_path, kind):
    path = written(tmp_path, kind)
    assert [frame_of_capture(path, number) for number in (1, 2, 3)] == FRAMES
    with pytest.raises(TraceError, match="has 3 frames, not 4"):
        frame_of_capture(path, 4)


@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_a_capture_cut_off_anywhere_is_told_in_one_line(tmp_path, kind):
    octets = written(tmp_path, kind).read_bytes()
    cut = tmp_path / "cut"
    for length in range(len(octets)):
        cut.write_bytes(octets[:length])
        with pytest.raises(TraceError, match=r"^[^\n]+$"):
            frame_of_capture(cut, 3)


def test_a_capture_of_something_else_than_ethernet_is_refused(tmp_path):
    path = tmp_path / "raw.pcap"
    wrpcap(str(path), [IP()], linktype=101)
    with pytest.raises(TraceError, match="link type 101"):
        frame_of_capture(path, 1)


def test_a_file_that_is_not_there_or_no_capture_is_told(tmp_path):
    with pytest.raises(TraceError, match="cannot read"):
        frame_of_capture(tmp_path / "none", 1)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(TraceError, match="neither pcap nor pcapng"):
        frame_of_capture(tmp_path / "text", 1)


def test_headers_of_the_program_make_a_packet(program):
    frame = frame_of_headers(
        program,
        [
            "ethernet,dst_addr=02:00:00:00:00:01,ether_type=0x0800",
            "hdr.ipv4,version=4,ihl=5,ttl=64,protocol=17,src_addr=10.0.0.1,dst_addr=10.0.0.2",
            "udp_t,dst_port=53",
        ],
        4,
    )
    packet = Ether(frame)
    assert packet.dst == "02:00:00:00:00:01"
    assert (packet[IP].src, packet[IP].dst, packet[IP].ttl) == ("10.0.0.1", "10.0.0.2", 64)
    assert packet[UDP].dport == 53
    assert len(frame) == 14 + 20 + 8 + 4


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("ipx", "no header ipx, only hdr."),
        ("ipv4,colour=1", "ipv4 has no field colour, only version"),
        ("ipv4,ttl", "not of the form FIELD=VALUE"),
        ("ipv4,ttl=256", "has 8 bits, 256 needs more"),
        ("ipv4,ttl=many", "'many' is no number, MAC or IP address"),
        ("ipv4,ttl=-1", "'-1' is no number"),
        ("ig_intr_md,ingress_port=1", "no header ig_intr_md"),
    ],
)
def test_a_header_that_cannot_be_made_is_told(program, header, told):
    with pytest.raises(TraceError, match=told):
        frame_of_headers(program, [header], 0)


def test_entries_that_do_not_fit_the_program_are_told_with_the_file(program, tmp_path):
    path = tmp_path / "wrong.stf"
    path.write_text("add no_such_table a:1 b()\n")
    with pytest.raises(TraceError, match=r"wrong\.stf: .*no table no_such_table"):
        FileSource(program, path)
    with pytest.raises(TraceError, match="cannot read"):
        FileSource(program, tmp_path / "none.stf")


def test_entries_removed_in_the_file_are_gone(program, tmp_path):
    path = tmp_path / "entries.stf"
    add = "add tunnel_peers tunnel_peer_id:{} resolve_neighbour(port:7)\n"
    path.write_text(add.format(1) + "remove all\n" + add.format(2))
    table = program.ingress.tables["Ingress.routing.tunnel_peers"]
    (entry,) = FileSource(program, path).entries(table, (1,))
    assert entry.matches[0].value == 2
