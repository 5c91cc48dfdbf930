// Keys of an IPv6 address.
#include "frame.p4"

control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    action send(bit<9> port) { ig_tm_md.ucast_egress_port = port; }
    action set_id(bit<24> id) { hdr.state.id = id; }
    table hosts {
        key = {
            hdr.state.a : exact @name("a");
            hdr.ipv6.dst : exact @name("dst");
        }
        actions = {
            send;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 16384;
    }
    table prefixes {
        key = {
            hdr.state.a : exact @name("a");
            hdr.ipv6.src[127:64] : exact @name("prefix");
        }
        actions = {
            set_id;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 32768;
    }
    apply {
        if (hdr.ipv6.isValid()) {
            hosts.apply();
            prefixes.apply();
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
