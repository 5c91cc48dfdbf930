// Packets that go through the program once more, longer or shorter than they came, by egress or around it.

#include <core.p4>
#include <tna.p4>

header tag_t {
    bit<8> kind;
    bit<8> value;
    bit<16> length;
}

header packet_t {
    bit<8> kind;
    bit<8> value;
    bit<16> length;
    bit<96> rest;
}

struct headers_t {
    tag_t tag;
    packet_t packet;
}

struct metadata_t {
}

parser IngressParser(
        packet_in packet,
        out headers_t hdr,
        out metadata_t md,
        out ingress_intrinsic_metadata_t ig_intr_md) {

    state start {
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        transition select(packet.lookahead<bit<8>>()) {
            1: parse_tag;
            default: parse_packet;
        }
    }

    state parse_tag {
        packet.extract(hdr.tag);
        transition parse_packet;
    }

    state parse_packet {
        packet.extract(hdr.packet);
        transition accept;
    }
}

control Ingress(
        inout headers_t hdr,
        inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {

    Counter<bit<64>, bit<9>>(512, CounterType_t.PACKETS_AND_BYTES) received;

    action send(PortId_t port) {
        ig_tm_md.ucast_egress_port = port;
        ig_tm_md.bypass_egress = 1;
    }

    action push(PortId_t port, bit<8> value) {
        ig_tm_md.ucast_egress_port = port;
        hdr.tag.setValid();
        hdr.tag.kind = 1;
        hdr.tag.value = value;
    }

    action pop(PortId_t port) {
        ig_tm_md.ucast_egress_port = port;
        ig_tm_md.bypass_egress = 1;
        hdr.tag.setInvalid();
    }

    action refuse() {
        ig_dprsr_md.drop_ctl = 1;
    }

    table ways {
        key = {
            ig_intr_md.ingress_port : exact @name("port");
            hdr.tag.isValid() : exact @name("is_tagged");
        }
        actions = {
            send;
            push;
            pop;
            refuse;
        }
        const default_action = refuse();
        size = 64;
    }

    apply {
        received.count(ig_intr_md.ingress_port);
        ways.apply();
    }
}

control IngressDeparser(
        packet_out packet,
        inout headers_t hdr,
        in metadata_t md,
        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    apply {
        packet.emit(hdr.tag);
        packet.emit(hdr.packet);
    }
}

parser EgressParser(
        packet_in packet,
        out headers_t hdr,
        out metadata_t md,
        out egress_intrinsic_metadata_t eg_intr_md) {

    state start {
        packet.extract(eg_intr_md);
        packet.extract(hdr.tag);
        transition accept;
    }
}

control Egress(
        inout headers_t hdr,
        inout metadata_t md,
        in egress_intrinsic_metadata_t eg_intr_md,
        in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
        inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
        inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {
    apply {
        hdr.tag.length = eg_intr_md.pkt_length;
        hdr.tag.value = hdr.tag.value + 1;
        if (hdr.tag.value == 7) {
            eg_dprsr_md.drop_ctl = 1;
        }
    }
}

control EgressDeparser(
        packet_out packet,
        inout headers_t hdr,
        in metadata_t md,
        in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {
    apply {
        packet.emit(hdr.tag);
    }
}

Pipeline(
    IngressParser(),
    Ingress(),
    IngressDeparser(),
    EgressParser(),
    Egress(),
    EgressDeparser()) pipe;

Switch(pipe) main;
