// Ternary keys of many fields.
#include "frame.p4"

control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    action send(bit<9> port) { ig_tm_md.ucast_egress_port = port; }
    action set_a(bit<8> a) { hdr.state.a = a; }
    action drop() { ig_dprsr_md.drop_ctl = 1; }
    table acl {
        key = {
            hdr.ipv4.src : ternary @name("src");
            hdr.ipv4.dst : ternary @name("dst");
            hdr.ipv4.protocol : ternary @name("protocol");
            hdr.udp.src : ternary @name("sport");
            hdr.udp.dst : ternary @name("dport");
        }
        actions = {
            set_a;
            drop;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    table classes {
        key = {
            hdr.ipv4.tos : ternary @name("tos");
            hdr.ethernet.type : ternary @name("type");
        }
        actions = {
            send;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 2048;
    }
    apply {
        if (hdr.udp.isValid()) {
            acl.apply();
        }
        if (hdr.ipv4.isValid()) {
            classes.apply();
        }
    }
}

control Egress(inout headers_t hdr, inout metadata_t md,
        in egress_intrinsic_metadata_t eg_intr_md,
        in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
        inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
        inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {
    apply { }
}

Pipeline(IngressParser(), Ingress(), IngressDeparser(),
    EgressParser(), Egress(), EgressDeparser()) pipe;
Switch(pipe) main;
