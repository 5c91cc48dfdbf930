// What every user packet undergoes before it is routed: the check of its source and length, one hop
// less to live, removal of the outer headers.

#ifndef FORWARDING_P4
#define FORWARDING_P4

control Forwarding(
        inout ingress_headers_t hdr,
        inout ingress_metadata_t md) {

    // The IPv6 prefixes that a PDR's UE may send from.
    table source_prefixes {
        key = {
            hdr.bridged.usage_id : exact @name("usage_id");
            md.src_ipv6[127:64]  : exact @name("ue_prefix");
        }
        actions = {
            NoAction;
        }
        const default_action = NoAction();
        size = NUM_SOURCE_PREFIXES;
    }

    apply {
        if (md.is_tunnelled == 1) {
            if (hdr.bridged.is_source_checked == 1) {
                if (hdr.inner_ipv4.isValid()) {
                    if (md.src_ipv4 != md.ue_ipv4) {
                        md.is_spoofed = 1;
                    }
                } else if (!source_prefixes.apply().hit) {
                    md.is_spoofed = 1;
                }
            }
        }
    }
}

#endif
