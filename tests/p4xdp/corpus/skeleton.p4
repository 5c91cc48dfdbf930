// The program around every case: a part of a case stands in the place of the line `//@` of its name,
// or of that line's own text if the case has no such part. With no case in it, it is correct.

#include <core.p4>
#include <tna.p4>
//@ top

typedef bit<48> mac_t;
const bit<16> TYPE_WORD = 0x88b5;

header ethernet_t {
    mac_t dst;
    mac_t src;
    bit<16> type;
}

header word_t {
    bit<4> high;
    bit<4> low;
    bit<8> octet;
    bit<16> half;
    bit<32> full;
    int<8> signed;
    bit<8> spare;
}

struct headers_t {
    ethernet_t ethernet;
    word_t word;
    word_t other;
}

struct inner_t {
    bit<8> a;
    bit<16> b;
}

struct metadata_t {
    bit<8> x;
    bit<8> y;
    bit<16> wide;
    PortId_t port;
    bool flag;
    inner_t inner;
    //@ metadata
}

//@ types
parser IngressParser(packet_in packet, out headers_t hdr, out metadata_t md,
        out ingress_intrinsic_metadata_t ig_intr_md) {
    //@ parser_locals
    state start {
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        transition parse_ethernet;
    }
    state parse_ethernet {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.type) {
            TYPE_WORD: parse_word;
            default: accept;
        }
    }
    state parse_word {
        packet.extract(hdr.word);
        //@ parse_word: transition accept;
    }
    //@ states
}

//@ controls
control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    //@ locals
    apply {
        //@ apply
        ig_tm_md.ucast_egress_port = ig_intr_md.ingress_port;
    }
}

control IngressDeparser(packet_out packet, inout headers_t hdr, in metadata_t md,
        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    //@ deparser_locals
    apply {
        //@ deparser
        packet.emit(hdr);
    }
}

parser EgressParser(packet_in packet, out headers_t hdr, out metadata_t md,
        out egress_intrinsic_metadata_t eg_intr_md) {
    state start {
        packet.extract(eg_intr_md);
        transition accept;
    }
}

control Egress(inout headers_t hdr, inout metadata_t md,
        in egress_intrinsic_metadata_t eg_intr_md,
        in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
        inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
        inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {
    apply {
    }
}

control EgressDeparser(packet_out packet, inout headers_t hdr, in metadata_t md,
        in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {
    //@ egress_deparser: apply {
    }
}

//@ package: Pipeline(IngressParser(), Ingress(), IngressDeparser(), EgressParser(), Egress(), EgressDeparser()) pipe;
//@ main: Switch(pipe) main;
