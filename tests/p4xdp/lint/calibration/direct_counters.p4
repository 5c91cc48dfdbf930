// Direct counters of 64 and of 36 bits.
#include "frame.p4"

control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    DirectCounter<bit<64>>(CounterType_t.PACKETS_AND_BYTES) wide;
    DirectCounter<bit<36>>(CounterType_t.PACKETS_AND_BYTES) narrow;
    action send(bit<9> port) { ig_tm_md.ucast_egress_port = port; wide.count(); }
    action set_id(bit<24> id) { hdr.state.id = id; narrow.count(); }
    table by_mac {
        key = {
            hdr.ethernet.dst : exact @name("mac");
        }
        actions = {
            send;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 16384;
        counters = wide;
    }
    table by_address {
        key = {
            hdr.ipv4.dst : exact @name("dst");
        }
        actions = {
            set_id;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 32768;
        counters = narrow;
    }
    apply {
        by_mac.apply();
        if (hdr.ipv4.isValid()) {
            by_address.apply();
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
