// Meters by index and direct.
#include "frame.p4"

control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    Meter<bit<16>>(8192, MeterType_t.BYTES) slices;
    DirectMeter(MeterType_t.BYTES) sessions_meter;
    action set_w(bit<16> w) {
        hdr.state.w = w;
        hdr.state.color = sessions_meter.execute();
    }
    table sessions {
        key = {
            hdr.ipv4.dst : exact @name("dst");
        }
        actions = {
            set_w;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 16384;
        meters = sessions_meter;
    }
    apply {
        if (hdr.ipv4.isValid()) {
            if (sessions.apply().hit) {
                hdr.state.a = slices.execute(hdr.state.w);
                if (hdr.state.a == 3) {
                    ig_dprsr_md.drop_ctl = 1;
                }
            }
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
