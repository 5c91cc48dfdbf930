// Fifteen tables in a chain: more than the stages of Tofino 1.
#include "frame.p4"

control Ingress(inout headers_t hdr, inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    action set_a(bit<8> a) { hdr.state.a = a; }
    table t0 {
        key = {
            ig_intr_md.ingress_port : exact @name("port");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 128;
    }
    table t1 {
        key = {
            hdr.state.a : exact @name("a");
            hdr.ethernet.dst[15:0] : exact @name("low");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    table t2 {
        key = {
            hdr.state.a : exact @name("a");
            hdr.ethernet.dst[15:0] : exact @name("low");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    table t3 {
        key = {
            hdr.state.a : exact @name("a");
            hdr.ethernet.dst[15:0] : exact @name("low");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    table t4 {
        key = {
            hdr.state.a : exact @name("a");
            hdr.ethernet.dst[15:0] : exact @name("low");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    table t5 {
        key = {
            hdr.state.a : exact @name("a");
            hdr.ethernet.dst[15:0] : exact @name("low");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    table t6 {
        key = {
            hdr.state.a : exact @name("a");
            hdr.ethernet.dst[15:0] : exact @name("low");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    table t7 {
        key = {
            hdr.state.a : exact @name("a");
            hdr.ethernet.dst[15:0] : exact @name("low");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    table t8 {
        key = {
            hdr.state.a : exact @name("a");
            hdr.ethernet.dst[15:0] : exact @name("low");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    table t9 {
        key = {
            hdr.state.a : exact @name("a");
            hdr.ethernet.dst[15:0] : exact @name("low");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    table t10 {
        key = {
            hdr.state.a : exact @name("a");
            hdr.ethernet.dst[15:0] : exact @name("low");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    table t11 {
        key = {
            hdr.state.a : exact @name("a");
            hdr.ethernet.dst[15:0] : exact @name("low");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    table t12 {
        key = {
            hdr.state.a : exact @name("a");
            hdr.ethernet.dst[15:0] : exact @name("low");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    table t13 {
        key = {
            hdr.state.a : exact @name("a");
            hdr.ethernet.dst[15:0] : exact @name("low");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    table t14 {
        key = {
            hdr.state.a : exact @name("a");
            hdr.ethernet.dst[15:0] : exact @name("low");
        }
        actions = {
            set_a;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 1024;
    }
    apply {
        t0.apply();
        t1.apply();
        t2.apply();
        t3.apply();
        t4.apply();
        t5.apply();
        t6.apply();
        t7.apply();
        t8.apply();
        t9.apply();
        t10.apply();
        t11.apply();
        t12.apply();
        t13.apply();
        t14.apply();
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
