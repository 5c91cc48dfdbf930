// Entries that have members of action profiles, and groups of them.

#include <core.p4>
#include <tna.p4>

header frame_t {
    bit<48> dst;
    bit<48> src;
    bit<16> type;
    bit<8> way;
    bit<8> seen;
    bit<8> run;
    bit<8> value;
}

struct headers_t {
    frame_t frame;
}

struct metadata_t {
    bit<8> value;
}

parser IngressParser(
        packet_in packet,
        out headers_t hdr,
        out metadata_t md,
        out ingress_intrinsic_metadata_t ig_intr_md) {
    state start {
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        packet.extract(hdr.frame);
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
    ActionProfile(64) hops;
    Hash<bit<16>>(HashAlgorithm_t.CRC16) hash;
    ActionSelector(hops, hash, SelectorMode_t.FAIR, 8, 16) ways;
    ActionProfile(16) marks;

    action send(PortId_t port, bit<48> dst) {
        ig_tm_md.ucast_egress_port = port;
        hdr.frame.dst = dst;
    }
    action drop() {
        ig_dprsr_md.drop_ctl = 1;
    }
    action mark(bit<8> value) {
        hdr.frame.value = value;
    }

    table routes {
        key = {
            hdr.frame.type: exact;
            hdr.frame.src: selector;
            hdr.frame.dst: selector;
        }
        actions = { send; drop; NoAction; }
        const default_action = send(5, 0);
        size = 64;
        implementation = ways;
    }

    table others {
        key = {
            hdr.frame.src: lpm;
            hdr.frame.src: selector;
            hdr.frame.dst: selector;
        }
        actions = { send; drop; NoAction; }
        default_action = drop();
        size = 64;
        implementation = ways;
    }

    table marked {
        key = { hdr.frame.way: ternary; }
        actions = { mark; @tableonly drop; @defaultonly NoAction; }
        size = 16;
        implementation = marks;
    }

    apply {
        if (hdr.frame.way == 0) {
            if (routes.apply().hit) {
                hdr.frame.seen = 1;
            }
        } else {
            others.apply();
        }
        switch (marked.apply().action_run) {
            mark: { hdr.frame.run = 1; }
            drop: { hdr.frame.run = 2; }
            default: { hdr.frame.run = 3; }
        }
    }
}

control IngressDeparser(
        packet_out packet,
        inout headers_t hdr,
        in metadata_t md,
        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    apply {
        packet.emit(hdr);
    }
}

parser EgressParser(
        packet_in packet,
        out headers_t hdr,
        out metadata_t md,
        out egress_intrinsic_metadata_t eg_intr_md) {
    state start {
        packet.extract(eg_intr_md);
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
    }
}

control EgressDeparser(
        packet_out packet,
        inout headers_t hdr,
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
