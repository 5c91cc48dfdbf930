// One hop less to live.

#ifndef HOP_P4
#define HOP_P4

control Hop(inout egress_headers_t hdr) {

    // RFC 1624: the word of TTL and protocol falls by 0x0100, its checksum rises by as much, and a
    // carry goes around. 0xfeff gives 0, never the other zero 0xffff.
    action decrement_ipv4() {
        hdr.ipv4.ttl = hdr.ipv4.ttl - 1;
        hdr.ipv4.checksum = hdr.ipv4.checksum + 0x0100;
    }

    action decrement_ipv4_and_carry() {
        hdr.ipv4.ttl = hdr.ipv4.ttl - 1;
        hdr.ipv4.checksum = hdr.ipv4.checksum + 0x0101;
    }

    action decrement_ipv6() {
        hdr.ipv6.hop_limit = hdr.ipv6.hop_limit - 1;
    }

    table hops {
        key = {
            hdr.ipv4.isValid() : ternary @name("ipv4");
            hdr.ipv4.checksum  : ternary @name("checksum");
        }
        actions = {
            decrement_ipv4;
            decrement_ipv4_and_carry;
            decrement_ipv6;
        }
        const entries = {
            (true, 0xff00 &&& 0xff00) : decrement_ipv4_and_carry();
            (true, 0xfeff) : decrement_ipv4_and_carry();
            (true, _) : decrement_ipv4();
        }
        const default_action = decrement_ipv6();
        size = 4;
    }

    apply {
        hops.apply();
    }
}

#endif
