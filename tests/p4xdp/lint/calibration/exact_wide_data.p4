// Exact tables whose action data has a table of its own.
#include "frame.p4"

control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    action forward(bit<24> id, bit<32> p, bit<8> a) {
        hdr.state.id = id;
        hdr.state.p = p;
        hdr.state.a = a;
    }
    action tunnel(bit<24> id, bit<32> p, bit<32> q, bit<16> w) {
        hdr.state.id = id;
        hdr.state.p = p;
        hdr.state.q = q;
        hdr.state.w = w;
    }
    action drop() { ig_dprsr_md.drop_ctl = 1; }
    action rewrite(bit<9> port, bit<48> src, bit<48> dst) {
        ig_tm_md.ucast_egress_port = port;
        hdr.ethernet.src = src;
        hdr.ethernet.dst = dst;
    }
    table sessions {
        key = {
            hdr.state.b : exact @name("b");
            hdr.ipv4.dst : exact @name("dst");
        }
        actions = {
            forward;
            tunnel;
            drop;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 32768;
    }
    table next_hops {
        key = {
            hdr.state.w : exact @name("w");
        }
        actions = {
            rewrite;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 4096;
    }
    apply {
        if (hdr.ipv4.isValid()) {
            sessions.apply();
        }
        next_hops.apply();
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
