// Two counters that do not fit one stage together.
#include "frame.p4"

control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    Counter<bit<64>, bit<24>>(20480, CounterType_t.PACKETS_AND_BYTES) before;
    Counter<bit<64>, bit<24>>(20480, CounterType_t.PACKETS_AND_BYTES) after;
    action set_id(bit<24> id) { hdr.state.id = id; }
    table by_mac {
        key = {
            hdr.ethernet.dst : exact @name("mac");
        }
        actions = {
            set_id;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 4096;
    }
    apply {
        by_mac.apply();
        before.count(hdr.state.id);
        after.count(hdr.state.id);
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
