// What becomes of a packet that is not forwarded: dropped and counted under its reason, shown to the
// controller, or left to the host.

#ifndef VERDICT_P4
#define VERDICT_P4

control Verdict(
        inout ingress_headers_t hdr,
        inout ingress_metadata_t md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {

    Counter<bit<64>, drop_reason_t>(NUM_DROP_REASONS, CounterType_t.PACKETS_AND_BYTES) drops;

    action refuse(drop_reason_t reason) {
        drops.count(reason);
        ig_dprsr_md.drop_ctl = 1;
    }

    action show(punt_reason_t reason) {
        ig_tm_md.ucast_egress_port = PORT_CONTROLLER;
        hdr.bridged.is_user = 0;
        hdr.bridged.punt_reason = reason;
    }

    action leave_to_host() {
        ig_tm_md.ucast_egress_port = md.host_port;
        ig_tm_md.bypass_egress = 1;
        hdr.bridged.setInvalid();
    }

    @unlikely table verdicts {
        key = {
            md.refusal                 : ternary @name("refusal");
            md.early_punt              : ternary @name("early_punt");
            md.is_admitted             : ternary @name("is_admitted");
            md.drop_reason             : ternary @name("drop_reason");
            md.punt_reason             : ternary @name("punt_reason");
            hdr.bridged.is_user        : ternary @name("is_user");
            md.is_spoofed              : ternary @name("is_spoofed");
            md.is_ttl_expired          : ternary @name("is_ttl_expired");
            md.is_routed               : ternary @name("is_routed");
            hdr.bridged.is_encapsulated : ternary @name("is_encapsulated");
        }
        actions = {
            refuse;
            show;
            leave_to_host;
        }
        const entries = {
            (DROP_UNKNOWN_PORT, _, _, _, _, _, _, _, _, _)     : refuse(DROP_UNKNOWN_PORT);
            (DROP_MALFORMED_IP, _, _, _, _, _, _, _, _, _)     : refuse(DROP_MALFORMED_IP);
            (DROP_MALFORMED_GTPU, _, _, _, _, _, _, _, _, _)   : refuse(DROP_MALFORMED_GTPU);
            (DROP_UNSUPPORTED_INNER, _, _, _, _, _, _, _, _, _): refuse(DROP_UNSUPPORTED_INNER);
            (DROP_OUTER_FRAGMENT, _, _, _, _, _, _, _, _, _)   : refuse(DROP_OUTER_FRAGMENT);
            (_, PUNT_GTPU_NODE, _, _, _, _, _, _, _, _)        : show(PUNT_GTPU_NODE);
            (_, PUNT_GTPU_EXTENSION, _, _, _, _, _, _, _, _)   : show(PUNT_GTPU_EXTENSION);
            (_, _, 0, _, _, _, _, _, _, _)                     : leave_to_host();
            (_, _, _, DROP_NO_SESSION, _, _, _, _, _, _)       : refuse(DROP_NO_SESSION);
            (_, _, _, DROP_GATE_CLOSED, _, _, _, _, _, _)      : refuse(DROP_GATE_CLOSED);
            (_, _, _, DROP_FAR, _, _, _, _, _, _)              : refuse(DROP_FAR);
            (_, _, _, DROP_BUFFERING, _, _, _, _, _, _)        : refuse(DROP_BUFFERING);
            (_, _, _, DROP_NO_MATCHING_RULE, _, _, _, _, _, _) : refuse(DROP_NO_MATCHING_RULE);
            (_, _, _, _, PUNT_BUFFER, _, _, _, _, _)           : show(PUNT_BUFFER);
            (_, _, _, _, PUNT_NOTIFY, _, _, _, _, _)           : show(PUNT_NOTIFY);
            (_, _, _, _, PUNT_UNKNOWN_TUNNEL, _, _, _, _, _)   : show(PUNT_UNKNOWN_TUNNEL);
            (_, _, _, _, _, 0, _, _, _, _)                     : leave_to_host();
            (_, _, _, _, _, _, 1, _, _, _)                     : refuse(DROP_SPOOFED_SOURCE);
            (_, _, _, _, _, _, _, 1, _, _)                     : show(PUNT_TTL_EXPIRED);
            (_, _, _, _, PUNT_NEIGHBOUR, _, _, _, _, _)        : show(PUNT_NEIGHBOUR);
            (_, _, _, _, _, _, _, _, 1, _)                     : show(PUNT_TOO_BIG);
            (_, _, _, _, _, _, _, _, 0, 0)                     : refuse(DROP_NO_ROUTE);
            (_, _, _, _, _, _, _, _, 0, _)                     : refuse(DROP_NO_TUNNEL_PEER);
        }
        const default_action = leave_to_host();
        size = 32;
    }

    apply {
        verdicts.apply();
    }
}

#endif
