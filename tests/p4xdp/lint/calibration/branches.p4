// Conditions, code between tables, and branches that exclude each other.
#include "frame.p4"

control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    Counter<bit<64>, bit<8>>(64, CounterType_t.PACKETS_AND_BYTES) drops;
    action set_a(bit<8> a) { hdr.state.a = a; }
    action set_b(bit<8> b) { hdr.state.b = b; }
    action set_p(bit<32> p) { hdr.state.p = p; }
    table left {
        key = {
            hdr.ipv4.src : exact @name("src");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 4096;
    }
    table right {
        key = {
            hdr.ipv6.src[31:0] : exact @name("src");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 4096;
    }
    table addresses {
        key = {
            hdr.state.a : exact @name("a");
        }
        actions = {
            set_p;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 256;
    }
    table last {
        key = {
            hdr.state.b : exact @name("b");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 256;
    }
    apply {
        if (hdr.ipv4.isValid()) {
            left.apply();
        } else if (hdr.ipv6.isValid()) {
            right.apply();
        } else {
            hdr.state.a = 1;
        }
        addresses.apply();
        if (hdr.ipv4.isValid() && hdr.ipv4.dst != hdr.state.p) {
            hdr.state.b = 5;
        }
        if (hdr.ipv4.ttl == 0 || hdr.ipv4.ttl == 1) {
            hdr.state.b = 6;
        }
        if (hdr.state.b == 0) {
            last.apply();
            hdr.ipv4.ttl = hdr.ipv4.ttl - 1;
        } else {
            drops.count(hdr.state.b);
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
