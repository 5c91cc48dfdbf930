// One hop less to live.

#ifndef HOP_P4
#define HOP_P4

control Hop(inout egress_headers_t hdr) {

    apply {
        if (hdr.ipv4.isValid()) {
            // RFC 1624: the word of TTL and protocol falls by 0x0100, its checksum rises by as
            // much, and a carry goes around. 0xfeff gives 0, never the other zero 0xffff.
            hdr.ipv4.ttl = hdr.ipv4.ttl - 1;
            if (hdr.ipv4.checksum[15:8] == 0xff || hdr.ipv4.checksum == 0xfeff) {
                hdr.ipv4.checksum = hdr.ipv4.checksum + 0x0101;
            } else {
                hdr.ipv4.checksum = hdr.ipv4.checksum + 0x0100;
            }
        } else {
            hdr.ipv6.hop_limit = hdr.ipv6.hop_limit - 1;
        }
    }
}

#endif
