// Small tables with short and middling keys.
#include "frame.p4"

control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    action send(bit<9> port) { ig_tm_md.ucast_egress_port = port; }
    action set_a(bit<8> a) { hdr.state.a = a; }
    table ports {
        key = {
            ig_intr_md.ingress_port : exact @name("port");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 64;
    }
    table types {
        key = {
            hdr.ethernet.type : exact @name("type");
        }
        actions = {
            send;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    apply {
        ports.apply();
        types.apply();
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
