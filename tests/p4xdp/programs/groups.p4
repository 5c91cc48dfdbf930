// A table with ternary and range keys beside exact ones, larger than a packet could be compared with.

#include <core.p4>
#include <tna.p4>

header packet_t {
    bit<16> set;
    bit<8> version;
    bit<8> protocol;
    bit<32> address;
    bit<16> port;
    bit<48> rest;
}

header result_t {
    bit<16> rule;
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

    Counter<bit<64>, bit<16>>(65536, CounterType_t.PACKETS) fitted;

    action mark(bit<16> rule) {
        hdr.result.rule = rule;
        fitted.count(rule);
    }

    table filters {
        key = {
            hdr.packet.version : exact @name("version");
            hdr.packet.address : ternary @name("address");
            hdr.packet.port : range @name("port");
            hdr.packet.set : exact @name("set");
            hdr.packet.protocol : ternary @name("protocol");
        }
        actions = {
            mark;
        }
        const default_action = mark(0);
        size = 4096;
    }

    apply {
        hdr.result.setValid();
        filters.apply();
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
