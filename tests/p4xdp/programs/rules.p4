// Tables with ternary and range keys, alone and beside exact ones, one of them with a default action
// that may change.

#include <core.p4>
#include <tna.p4>

header packet_t {
    bit<8> kind;
    bit<8> a;
    bit<16> b;
    bit<4> n;
    bit<12> m;
    bit<48> x;
    bit<24> _rest;
}

header result_t {
    bit<16> first;
    bit<16> second;
    bit<8> hit;
}

struct headers_t {
    result_t result;
    packet_t packet;
}

struct no_headers_t {
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

    action first(bit<16> value) {
        hdr.result.first = value;
    }

    action second(bit<16> value, bit<9> port) {
        hdr.result.second = value;
        ig_tm_md.ucast_egress_port = port;
    }

    action refuse() {
        ig_dprsr_md.drop_ctl = 1;
    }

    table filters {
        key = {
            hdr.packet.a : exact @name("a");
            hdr.packet.x : ternary @name("x");
            hdr.packet.b : range @name("b");
            hdr.packet.m : ternary @name("m");
            hdr.packet.n : range @name("n");
        }
        actions = {
            first;
            refuse;
        }
        default_action = first(0xffff);
        size = 64;
    }

    table masks {
        key = {
            hdr.packet.kind : ternary @name("kind");
        }
        actions = {
            second;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 8;
    }

    apply {
        hdr.result.setValid();
        hdr.result.hit = (bit<8>)(bit<1>)filters.apply().hit;
        masks.apply();
        ig_tm_md.bypass_egress = 1;
    }
}

control IngressDeparser(
        packet_out packet,
        inout headers_t hdr,
        in metadata_t md,
        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    apply {
        packet.emit(hdr.result);
        packet.emit(hdr.packet);
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
