// Tables that the program fills itself: with entries for every kind of key that Tofino allows them for, of
// which several fit a packet.

#include <core.p4>
#include <tna.p4>

const bit<16> SECOND = 21;

header packet_t {
    bit<8> a;
    bit<8> b;
    bit<16> c;
    bit<64> d;
    bit<16> _rest;
}

header result_t {
    bit<8> first;
    bit<8> second;
    bit<8> third;
    bit<8> fourth;
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

    DirectCounter<bit<64>>(CounterType_t.PACKETS) first_counter;

    action first(bit<8> value) {
        hdr.result.first = value;
        first_counter.count();
    }

    action second(bit<8> value) {
        hdr.result.second = value;
    }

    action third(bit<8> value) {
        hdr.result.third = value;
    }

    action fourth(bit<8> value) {
        hdr.result.fourth = value;
    }

    action refuse() {
        ig_dprsr_md.drop_ctl = 1;
    }

    table ternary_table {
        key = {
            hdr.packet.a : ternary @name("a");
            hdr.packet.b : ternary @name("b");
        }
        actions = {
            first;
            refuse;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        const entries = {
            (0x01 &&& 0x0f, _) : first(1);
            (0x12, 7) : refuse();
            (_, 0x80 &&& 0x80) : first(2);
            (_, 0x81) : first(3);
            (3, default) : first(4);
        }
        counters = first_counter;
        size = 8;
    }

    table range_table {
        key = {
            hdr.packet.a : exact @name("a");
            hdr.packet.c : range @name("c");
        }
        actions = {
            second;
            refuse;
        }
        default_action = second(0xff);
        const entries = {
            (1, 10 .. 20) : second(1);
            (1, SECOND) : second(2);
            (1, 0 .. 0x8000) : second(3);
            (2, _) : refuse;
        }
        size = 16;
    }

    table exact_table {
        key = {
            hdr.packet.c : exact @name("c");
            hdr.packet.isValid() : exact @name("is_valid");
        }
        actions = {
            third;
        }
        const default_action = third(0);
        const entries = {
            (1, true) : third(1);
            (2, false) : third(2);
            (0x8000, true) : third(3);
        }
    }

    table slice_table {
        key = {
            hdr.packet.d[63:16] : exact @name("d");
        }
        actions = {
            fourth;
        }
        const default_action = fourth(0);
        const entries = {
            0xfe80_0000_0001 : fourth(1);
            0 : fourth(2);
        }
        size = 2;
    }

    apply {
        hdr.result.setValid();
        ternary_table.apply();
        range_table.apply();
        exact_table.apply();
        slice_table.apply();
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
