// Values of more than 64 bits: addresses of IPv6 as keys of every kind, copied, compared, cut, built and
// computed with; fields that begin inside an octet.

#include <core.p4>
#include <tna.p4>

typedef bit<128> ipv6_t;

header addresses_t {
    bit<8> kind;
    ipv6_t src;
    ipv6_t dst;
}

header odd_t {
    bit<4> n;
    bit<100> x;
    bit<6> y;
    bit<63> z;
    bit<3> u;
}

header result_t {
    ipv6_t value;
    ipv6_t other;
    bit<72> third;
    bit<8> ways;
    bit<16> checksum;
    bit<16> prefix;
}

struct headers_t {
    result_t result;
    addresses_t addresses;
    odd_t odd;
}

struct no_headers_t {
}

struct metadata_t {
    ipv6_t address;
    bit<100> part;
}

parser IngressParser(
        packet_in packet,
        out headers_t hdr,
        out metadata_t md,
        out ingress_intrinsic_metadata_t ig_intr_md) {

    state start {
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        packet.extract(hdr.addresses);
        transition select(hdr.addresses.src) {
            0: accept;
            0xff02_0000_0000_0000_0000_0000_0000_0000 &&& 0xffff_0000_0000_0000_0000_0000_0000_0000:
                accept;
            default: look;
        }
    }

    state look {
        transition select(packet.lookahead<bit<104>>()) {
            0x1_0000_0000_0000_0000: accept;
            default: parse_odd;
        }
    }

    state parse_odd {
        packet.extract(hdr.odd);
        transition accept;
    }
}

control Ingress(
        inout headers_t hdr,
        inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {

    action set_address(ipv6_t address, bit<1> way) {
        md.address = address;
        hdr.result.ways[0:0] = way;
    }

    action set_part(bit<100> part) {
        md.part = part;
    }

    action set_prefix(bit<16> prefix) {
        hdr.result.prefix = prefix;
    }

    action mark() {
        hdr.result.ways[1:1] = 1;
    }

    action refuse() {
        ig_dprsr_md.drop_ctl = 1;
    }

    table hosts {
        key = {
            hdr.addresses.dst : exact @name("dst");
            hdr.addresses.kind[0:0] : exact @name("bit");
        }
        actions = {
            set_address;
            refuse;
        }
        default_action = set_address(0x2001_0db8_0000_0000_0000_0000_0000_0001, 1);
        size = 16;
    }

    table subnets {
        key = {
            hdr.addresses.src[127:64] : exact @name("subnet");
        }
        actions = {
            set_part;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 16;
    }

    table routes {
        key = {
            hdr.addresses.kind[1:1] : exact @name("bit");
            hdr.addresses.dst : lpm @name("dst");
        }
        actions = {
            set_prefix;
        }
        const default_action = set_prefix(0xffff);
        size = 16;
    }

    table odd_routes {
        key = {
            hdr.odd.x : lpm @name("x");
        }
        actions = {
            set_prefix;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 16;
    }

    table rules {
        key = {
            hdr.addresses.src : ternary @name("src");
            hdr.addresses.dst : ternary @name("dst");
            hdr.addresses.kind : range @name("kind");
        }
        actions = {
            mark;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 16;
    }

    apply {
        hdr.result.setValid();
        hosts.apply();
        subnets.apply();
        routes.apply();
        odd_routes.apply();
        rules.apply();
        hdr.result.other = md.address;
        if (hdr.addresses.src == hdr.addresses.dst) {
            hdr.result.ways[2:2] = 1;
        }
        if (hdr.addresses.src < md.address) {
            hdr.result.ways[3:3] = 1;
        }
        if ((int<128>)hdr.addresses.src > (int<128>)md.address) {
            hdr.result.ways[4:4] = 1;
        }
        if (md.part != hdr.odd.x) {
            hdr.result.ways[5:5] = 1;
        }
        hdr.result.value = hdr.addresses.src;
        if (hdr.addresses.kind[7:4] == 1) {
            hdr.result.value = hdr.addresses.src + md.address;
        } else if (hdr.addresses.kind[7:4] == 2) {
            hdr.result.value = hdr.addresses.src[127:64] ++ md.address[63:0];
        } else if (hdr.addresses.kind[7:4] == 3) {
            hdr.result.value = ~(hdr.addresses.src ^ hdr.addresses.dst) - 1;
        } else if (hdr.addresses.kind[7:4] == 4) {
            hdr.result.value = (hdr.addresses.src << 68) | (hdr.addresses.dst >> 60);
        } else if (hdr.addresses.kind[7:4] == 5) {
            hdr.result.value = (ipv6_t)(int<128>)(int<8>)hdr.addresses.kind;
            hdr.addresses.src[95:32] = hdr.addresses.dst[63:0];
        } else if (hdr.addresses.kind[7:4] == 6) {
            hdr.result.value = -hdr.addresses.dst;
            hdr.result.third = hdr.addresses.dst[100:29];
        } else if (hdr.addresses.kind[7:4] == 7) {
            hdr.result.value = (ipv6_t)((int<128>)hdr.addresses.src >> 65);
            hdr.odd.x = md.part + hdr.odd.x;
            hdr.odd.z = (bit<63>)md.part;
        } else if (hdr.addresses.kind[7:4] == 8) {
            hdr.result.value = hdr.addresses.src |+| hdr.addresses.dst;
            hdr.result.third = (bit<72>)hdr.odd.z;
        } else if (hdr.addresses.kind[7:4] == 9) {
            hdr.result.value = hdr.addresses.src |-| hdr.addresses.dst;
            hdr.addresses.dst = md.address;
        } else if (hdr.addresses.kind[7:4] == 10) {
            hdr.result.value = (ipv6_t)(int<128>)(int<100>)hdr.odd.x;
        } else if (hdr.addresses.kind[7:4] == 11) {
            hdr.result.value = (ipv6_t)(hdr.odd.y ++ hdr.odd.z ++ hdr.odd.u);
        } else if (hdr.addresses.kind[7:4] == 12) {
            hdr.result.value = hdr.addresses.kind[2:2] == 1 ? hdr.addresses.dst : md.address;
            md.address[71:60] = 0xabc;
            hdr.result.other = md.address;
        }
        ig_tm_md.bypass_egress = 1;
    }
}

control IngressDeparser(
        packet_out packet,
        inout headers_t hdr,
        in metadata_t md,
        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {

    Checksum() checksum;

    apply {
        if (hdr.result.isValid()) {
            hdr.result.checksum = checksum.update({
                hdr.addresses.src,
                hdr.addresses.kind,
                hdr.addresses.dst,
                hdr.odd.n,
                hdr.odd.x,
                hdr.odd.y,
                10w0
            });
        }
        packet.emit(hdr.result);
        packet.emit(hdr.addresses);
        packet.emit(hdr.odd);
    }
}

parser EgressParser(
        packet_in packet,
        out no_headers_t hdr,
        out metadata_t md,
        out egress_intrinsic_metadata_t eg_intr_md) {

    state start {
        packet.extract(eg_intr_md);
        transition accept;
    }
}

control Egress(
        inout no_headers_t hdr,
        inout metadata_t md,
        in egress_intrinsic_metadata_t eg_intr_md,
        in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
        inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
        inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {
    apply {
    }
}

control EgressDeparser(
        packet_out packet,
        inout no_headers_t hdr,
        in metadata_t md,
        in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {
    apply {
    }
}

Pipeline(
    IngressParser(),
    Ingress(),
    IngressDeparser(),
    EgressParser(),
    Egress(),
    EgressDeparser()) pipe;

Switch(pipe) main;
