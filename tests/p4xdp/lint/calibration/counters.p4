// Indexed counters of every kind.
#include "frame.p4"

control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    Counter<bit<64>, bit<16>>(16384, CounterType_t.PACKETS_AND_BYTES) both64;
    Counter<bit<36>, bit<16>>(16384, CounterType_t.PACKETS_AND_BYTES) both36;
    Counter<bit<64>, bit<16>>(16384, CounterType_t.BYTES) bytes64;
    Counter<bit<32>, bit<16>>(16384, CounterType_t.PACKETS) packets32;
    action set_w(bit<16> w, bit<16> x) { hdr.state.w = w; hdr.state.x = x; }
    table ports {
        key = {
            ig_intr_md.ingress_port : exact @name("port");
        }
        actions = {
            set_w;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 512;
    }
    apply {
        ports.apply();
        both64.count(hdr.state.w);
        both36.count(hdr.state.x);
        bytes64.count(hdr.state.w);
        packets32.count(hdr.state.x);
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
