// The largest counter and meter that one stage of either chip holds.
#include "frame.p4"

control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    Counter<bit<36>, bit<24>>(69632, CounterType_t.PACKETS_AND_BYTES) usage;
    Meter<bit<16>>(24576, MeterType_t.BYTES) slices;
    action set_id(bit<24> id, bit<16> w) { hdr.state.id = id; hdr.state.w = w; }
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
        usage.count(hdr.state.id);
        hdr.state.color = slices.execute(hdr.state.w);
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
