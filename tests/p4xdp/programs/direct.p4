// Direct counters and meters of tables of every kind, with default actions that may change and that may
// not.

#include <core.p4>
#include <tna.p4>

header packet_t {
    bit<8> a;
    bit<32> b;
    bit<16> c;
    bit<8> d;
    bit<48> _rest;
}

header result_t {
    bit<8> first;
    bit<8> second;
    bit<8> third;
    bit<16> value;
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

    DirectCounter<bit<64>>(CounterType_t.PACKETS_AND_BYTES) a_counter;
    DirectMeter(MeterType_t.BYTES) a_meter;
    DirectCounter<bit<40>>(CounterType_t.BYTES) b_counter;
    DirectMeter(MeterType_t.PACKETS) c_meter;
    DirectCounter<bit<32>>(CounterType_t.PACKETS) d_counter;
    DirectMeter(MeterType_t.BYTES) d_meter;

    action a_set(bit<16> value) {
        a_counter.count(4);
        hdr.result.first = a_meter.execute(adjust_byte_count = 4);
        hdr.result.value = value;
    }

    action a_uncounted() {
        hdr.result.value = 0xffff;
    }

    action b_count() {
        b_counter.count();
    }

    action c_meter_it() {
        hdr.result.second = c_meter.execute(color = (MeterColor_t)hdr.result.first);
    }

    action d_both(bit<48> rest) {
        d_counter.count();
        hdr.result.third = d_meter.execute();
        hdr.packet._rest = rest;
    }

    table a_table {
        key = {
            hdr.packet.a : exact @name("a");
        }
        actions = {
            a_set;
            a_uncounted;
        }
        default_action = a_set(7);
        counters = a_counter;
        meters = a_meter;
        size = 4;
    }

    table b_table {
        key = {
            hdr.packet.b : exact @name("b");
        }
        actions = {
            b_count;
        }
        const default_action = b_count();
        counters = b_counter;
        size = 4;
    }

    table c_table {
        key = {
            hdr.packet.c : lpm @name("c");
        }
        actions = {
            c_meter_it;
        }
        const default_action = c_meter_it();
        meters = c_meter;
        size = 4;
    }

    table d_table {
        key = {
            hdr.packet.d : ternary @name("d");
        }
        actions = {
            d_both;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        counters = d_counter;
        meters = d_meter;
        size = 4;
    }

    apply {
        hdr.result.setValid();
        a_table.apply();
        b_table.apply();
        c_table.apply();
        d_table.apply();
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
