// Registers of several widths.
#include "frame.p4"

struct pair_t { bit<32> first; bit<32> second; }

control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    Register<bit<32>, bit<24>>(65536) words;
    Register<pair_t, bit<16>>(8192) pairs;
    Register<bit<1>, bit<24>>(131072) seen;
    RegisterAction<bit<32>, bit<24>, bit<32>>(words) add = {
        void apply(inout bit<32> cell, out bit<32> result) {
            cell = cell + 1;
            result = cell;
        }
    };
    RegisterAction<pair_t, bit<16>, bit<32>>(pairs) swap = {
        void apply(inout pair_t cell, out bit<32> result) {
            cell.second = cell.first;
            cell.first = hdr.ipv4.src;
            result = cell.second;
        }
    };
    RegisterAction<bit<1>, bit<24>, bit<1>>(seen) mark = {
        void apply(inout bit<1> cell, out bit<1> result) {
            result = cell;
            cell = 1;
        }
    };
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
        hdr.state.p = add.execute(hdr.state.id);
        if (hdr.ipv4.isValid()) {
            hdr.state.q = swap.execute(hdr.udp.src);
        }
        if (mark.execute(hdr.state.id) == 1) {
            ig_dprsr_md.drop_ctl = 1;
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
