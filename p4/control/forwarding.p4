// What every forwarded packet undergoes before it is routed: removal of the outer headers, the check
// of its source, one hop less to live.

#ifndef FORWARDING_P4
#define FORWARDING_P4

control Forwarding(
        inout ingress_headers_t hdr,
        inout ingress_metadata_t md) {

    action remove_outer_headers() {
        hdr.ipv4.setInvalid();
        hdr.udp.setInvalid();
        hdr.gtpu.setInvalid();
        hdr.gtpu_options.setInvalid();
        hdr.psc.setInvalid();
    }

    apply {
        if (md.endpoint_id != 0) {
            remove_outer_headers();
            if (md.is_source_checked == 1 && hdr.inner_ipv4.src_addr != md.ue_ipv4) {
                md.drop_reason = DROP_SPOOFED_SOURCE;
            }
            if (hdr.inner_ipv4.ttl == 0 || hdr.inner_ipv4.ttl == 1) {
                md.drop_reason = DROP_TTL_EXPIRED;
            }
            // RFC 1624: the word of TTL and protocol falls by 0x0100, its checksum rises by as
            // much, and a carry goes around. 0xfeff gives 0, never the other zero 0xffff.
            hdr.inner_ipv4.ttl = hdr.inner_ipv4.ttl - 1;
            if (hdr.inner_ipv4.checksum[15:8] == 0xff || hdr.inner_ipv4.checksum == 0xfeff) {
                hdr.inner_ipv4.checksum = hdr.inner_ipv4.checksum + 0x0101;
            } else {
                hdr.inner_ipv4.checksum = hdr.inner_ipv4.checksum + 0x0100;
            }
        } else {
            if (hdr.ipv4.ttl == 0 || hdr.ipv4.ttl == 1) {
                md.drop_reason = DROP_TTL_EXPIRED;
            }
            hdr.ipv4.ttl = hdr.ipv4.ttl - 1;
            if (hdr.ipv4.checksum[15:8] == 0xff || hdr.ipv4.checksum == 0xfeff) {
                hdr.ipv4.checksum = hdr.ipv4.checksum + 0x0101;
            } else {
                hdr.ipv4.checksum = hdr.ipv4.checksum + 0x0100;
            }
        }
    }
}

#endif
