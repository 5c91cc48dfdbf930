// Something of everything that the graphs draw.
#include <core.p4>
#include <tna.p4>

header ethernet_t { bit<48> dst; bit<48> src; bit<16> type; }
header word_t { bit<4> high; bit<4> low; bit<8> octet; bit<16> half; }
struct headers_t { ethernet_t ethernet; word_t word; }
struct metadata_t { bit<8> x; bit<8> y; }

parser IngressParser(packet_in packet, out headers_t hdr, out metadata_t md,
        out ingress_intrinsic_metadata_t ig_intr_md) {
    state start {
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.type) {
            0x1234: parse_word;
            0x2000 &&& 0xf000: parse_word;
            0xffff: reject;
            default: accept;
        }
    }
    state parse_word {
        packet.extract(hdr.word);
        transition accept;
    }
}

control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    Counter<bit<64>, bit<8>>(16, CounterType_t.BYTES) drops;
    action set(bit<8> x) { md.x = x; }
    action send(bit<9> port) { ig_tm_md.ucast_egress_port = port; }
    table first {
        key = { hdr.ethernet.dst : exact @name("dst"); }
        actions = { set; @defaultonly NoAction; }
        const default_action = NoAction();
        size = 64;
    }
    table second {
        key = { md.x : ternary @name("x"); }
        actions = { set; send; @defaultonly NoAction; }
        const default_action = NoAction();
        size = 64;
    }
    table third {
        key = { md.y : exact @name("y"); }
        actions = { set; @defaultonly NoAction; }
        const default_action = NoAction();
        size = 64;
    }
    apply {
        if (first.apply().hit) {
            switch (second.apply().action_run) {
                set: { md.y = 1; }
                send: { exit; }
                default: { md.y = 2; }
            }
        } else {
            drops.count(7);
            ig_dprsr_md.drop_ctl = 1;
        }
        if (third.apply().miss) {
            md.y = 3;
        }
        if (hdr.word.isValid() && md.y < 200) {
            hdr.word.octet = md.y;
        }
    }
}

control IngressDeparser(packet_out packet, inout headers_t hdr, in metadata_t md) {
    apply { packet.emit(hdr); }
}
parser EgressParser(packet_in packet, out headers_t hdr, out metadata_t md,
        out egress_intrinsic_metadata_t eg_intr_md) {
    state start { packet.extract(eg_intr_md); transition accept; }
}
control Egress(inout headers_t hdr, inout metadata_t md) { apply { } }
control EgressDeparser(packet_out packet, inout headers_t hdr, in metadata_t md) { apply { } }

Pipeline(IngressParser(), Ingress(), IngressDeparser(),
    EgressParser(), Egress(), EgressDeparser()) pipe;
Switch(pipe) main;
