// Longest prefixes in a network instance.
#include "frame.p4"

control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    action set_next_hop(bit<16> w) { hdr.state.w = w; }
    action punt(bit<9> port) { ig_tm_md.ucast_egress_port = port; }
    table routes {
        key = {
            hdr.state.a : exact @name("instance");
            hdr.ipv4.dst : lpm @name("dst");
        }
        actions = {
            set_next_hop;
            punt;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 8192;
    }
    table routes6 {
        key = {
            hdr.state.a : exact @name("instance");
            hdr.ipv6.dst : lpm @name("dst");
        }
        actions = {
            set_next_hop;
            punt;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    apply {
        if (hdr.ipv4.isValid()) {
            routes.apply();
        } else if (hdr.ipv6.isValid()) {
            routes6.apply();
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
