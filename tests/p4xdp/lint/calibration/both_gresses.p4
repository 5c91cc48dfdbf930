// Ingress and egress in the same stages.
#include "frame.p4"

control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    action send(bit<9> port) { ig_tm_md.ucast_egress_port = port; }
    table by_mac {
        key = {
            hdr.ethernet.dst : exact @name("mac");
        }
        actions = {
            send;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 32768;
    }
    apply { by_mac.apply(); }
}

control Egress(inout headers_t hdr, inout metadata_t md,
        in egress_intrinsic_metadata_t eg_intr_md,
        in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
        inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
        inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {
    Counter<bit<64>, bit<16>>(32768, CounterType_t.PACKETS_AND_BYTES) usage;
    action set_w(bit<16> w) { hdr.state.w = w; }
    table by_source {
        key = {
            hdr.ethernet.src : exact @name("mac");
        }
        actions = {
            set_w;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 16384;
    }
    apply {
        by_source.apply();
        usage.count(hdr.state.w);
    }
}

Pipeline(IngressParser(), Ingress(), IngressDeparser(),
    EgressParser(), Egress(), EgressDeparser()) pipe;
Switch(pipe) main;
