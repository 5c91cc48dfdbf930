// What can be said of a packet without its session: refused, shown to the controller, left to the
// host, or admitted.

#ifndef ADMISSION_P4
#define ADMISSION_P4

control Admission(
        inout ingress_headers_t hdr,
        inout ingress_metadata_t md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md) {

    action length_is_right() {
        md.is_length_right = 1;
    }

    // The GTP-U header's length is the user's packet's and what stands between the two, in units of
    // four octets: a PDU session container of one is what comes most.
    table lengths {
        key = {
            md.length_difference : exact @name("length_difference");
            md.option_units      : exact @name("units");
        }
        actions = {
            length_is_right;
            @defaultonly NoAction;
        }
        const entries = {
            (8, 2) : length_is_right();
            (0, 0) : length_is_right();
            (4, 1) : length_is_right();
            (12, 3) : length_is_right();
            (16, 4) : length_is_right();
            (20, 5) : length_is_right();
            (24, 6) : length_is_right();
            (28, 7) : length_is_right();
            (32, 8) : length_is_right();
            (36, 9) : length_is_right();
            (40, 10) : length_is_right();
            (44, 11) : length_is_right();
            (48, 12) : length_is_right();
            (52, 13) : length_is_right();
            (56, 14) : length_is_right();
            (60, 15) : length_is_right();
            (64, 16) : length_is_right();
            (68, 17) : length_is_right();
            (72, 18) : length_is_right();
            (76, 19) : length_is_right();
            (80, 20) : length_is_right();
            (84, 21) : length_is_right();
            (88, 22) : length_is_right();
        }
        const default_action = NoAction();
        size = 32;
    }

    apply {
        md.length_difference = hdr.gtpu.length - md.user_length;
        lengths.apply();
        if (md.ttl == 0 || md.ttl == 1) {
            md.is_ttl_expired = 1;
        }
        if (md.is_port_known == 0) {
            md.refusal = DROP_UNKNOWN_PORT;
        } else if (md.is_for_us == 1) {
            if ((ig_prsr_md.parser_err != PARSER_ERROR_OK || md.is_malformed == 1)
                    && (md.endpoint_id != 0 || !hdr.udp.isValid())) {
                md.refusal = DROP_MALFORMED_IP;
            } else if (md.endpoint_id == 0) {
                md.is_admitted = md.is_core;
            } else if (hdr.gtpu.isValid()) {
                if (hdr.gtpu.message_type != GTPU_MESSAGE_G_PDU) {
                    md.early_punt = PUNT_GTPU_NODE;
                } else if (md.is_unknown_extension == 1) {
                    md.early_punt = PUNT_GTPU_EXTENSION;
                } else if (md.is_tunnelled == 0) {
                    md.refusal = DROP_UNSUPPORTED_INNER;
                } else if (md.is_length_right == 0) {
                    md.refusal = DROP_MALFORMED_GTPU;
                } else {
                    md.is_admitted = 1;
                }
            } else if (hdr.ipv4.isValid() && hdr.ipv4.protocol == PROTOCOL_UDP) {
                // Datagrams for GTP-U are not put together again.
                if (hdr.ipv4.flags[0:0] == 1 || hdr.ipv4.frag_offset != 0) {
                    md.refusal = DROP_OUTER_FRAGMENT;
                }
            }
        }
    }
}

#endif
