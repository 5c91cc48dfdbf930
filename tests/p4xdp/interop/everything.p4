// A table for every kind of match, counters, meters, a register, packet-in and packet-out: all that
// a controller may ask of a switch.

#include <core.p4>
#include <tna.p4>

@controller_header("packet_in")
header packet_in_t {
    PortId_t ingress_port;
    @padding bit<7> _pad;
}

@controller_header("packet_out")
header packet_out_t {
    PortId_t egress_port;
    @padding bit<7> _pad;
}

header ethernet_t {
    bit<48> dst_addr;
    bit<48> src_addr;
    bit<16> ether_type;
}

struct headers_t {
    packet_in_t packet_in;
    packet_out_t packet_out;
    ethernet_t ethernet;
}

struct no_headers_t {
}

struct metadata_t {
    bit<16> mark;
    bit<8> color;
}

parser IngressParser(
        packet_in packet,
        out headers_t hdr,
        out metadata_t md,
        out ingress_intrinsic_metadata_t ig_intr_md) {

    state start {
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        md.mark = 0;
        md.color = 0;
        transition select(ig_intr_md.ingress_port) {
            192: parse_packet_out;
            default: parse_ethernet;
        }
    }

    state parse_packet_out {
        packet.extract(hdr.packet_out);
        transition parse_ethernet;
    }

    state parse_ethernet {
        packet.extract(hdr.ethernet);
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

    DirectCounter<bit<64>>(CounterType_t.PACKETS_AND_BYTES) sent;
    Counter<bit<64>, PortId_t>(512, CounterType_t.PACKETS_AND_BYTES) received;
    Meter<bit<6>>(64, MeterType_t.BYTES) limits;
    Register<bit<32>, bit<6>>(64) numbers;
    RegisterAction<bit<32>, bit<6>, bit<32>>(numbers) one_more = {
        void apply(inout bit<32> value) {
            value = value + 1;
        }
    };

    action send(PortId_t port) {
        sent.count();
        ig_tm_md.ucast_egress_port = port;
        ig_tm_md.bypass_egress = 1;
    }

    action drop() {
        sent.count();
        ig_dprsr_md.drop_ctl = 1;
    }

    action to_controller() {
        sent.count();
        hdr.packet_in.setValid();
        hdr.packet_in.ingress_port = ig_intr_md.ingress_port;
        hdr.packet_in._pad = 0;
        ig_tm_md.ucast_egress_port = 192;
        ig_tm_md.bypass_egress = 1;
    }

    DirectMeter(MeterType_t.BYTES) pace;

    action mark_paced(bit<16> value) {
        md.mark = md.mark ^ value;
        md.color = pace.execute();
    }

    action mark(bit<16> value) {
        md.mark = md.mark ^ value;
    }

    table wires {
        key = {
            ig_intr_md.ingress_port : exact @name("ingress_port");
        }
        actions = {
            send;
            to_controller;
            drop;
        }
        default_action = drop();
        counters = sent;
        size = 16;
    }

    table stations {
        key = {
            hdr.ethernet.dst_addr : exact @name("address");
        }
        actions = {
            mark;
        }
        const default_action = mark(0);
        size = 65536;
    }

    table vendors {
        key = {
            hdr.ethernet.src_addr : lpm @name("address");
        }
        actions = {
            mark_paced;
        }
        const default_action = mark_paced(0);
        meters = pace;
        size = 4096;
    }

    table filters {
        key = {
            hdr.ethernet.ether_type : ternary @name("ether_type");
        }
        actions = {
            mark;
        }
        const default_action = mark(0);
        size = 256;
    }

    table rules {
        key = {
            hdr.ethernet.ether_type : exact @name("ether_type");
            hdr.ethernet.dst_addr : ternary @name("address");
            hdr.ethernet.src_addr[15:0] : range @name("last");
        }
        actions = {
            mark;
        }
        const default_action = mark(0);
        size = 1024;
    }

    apply {
        if (hdr.packet_out.isValid()) {
            ig_tm_md.ucast_egress_port = hdr.packet_out.egress_port;
            ig_tm_md.bypass_egress = 1;
            hdr.packet_out.setInvalid();
            exit;
        }
        received.count(ig_intr_md.ingress_port);
        bit<8> color = limits.execute(hdr.ethernet.dst_addr[5:0]);
        one_more.execute(hdr.ethernet.dst_addr[5:0]);
        stations.apply();
        vendors.apply();
        filters.apply();
        rules.apply();
        if (md.mark != 0xffff) {
            wires.apply();
        }
    }
}

control IngressDeparser(
        packet_out packet,
        inout headers_t hdr,
        in metadata_t md,
        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    apply {
        packet.emit(hdr.packet_in);
        packet.emit(hdr.ethernet);
    }
}

parser EgressParser(
        packet_in packet,
        out no_headers_t hdr,
        out metadata_t md,
        out egress_intrinsic_metadata_t eg_intr_md) {

    state start {
        packet.extract(eg_intr_md);
        transition accept;
    }
}

control Egress(
        inout no_headers_t hdr,
        inout metadata_t md,
        in egress_intrinsic_metadata_t eg_intr_md,
        in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
        inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
        inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {
    apply {
    }
}

control EgressDeparser(
        packet_out packet,
        inout no_headers_t hdr,
        in metadata_t md,
        in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {
    apply {
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
