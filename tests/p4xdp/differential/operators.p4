// Operators and statements of the subset, with what they give in a header that the packet leaves
// with: what the interpreter and the XDP code must agree on, beyond what upf.p4 happens to use.

#include <core.p4>
#include <tna.p4>

header operands_t {
    bit<8> kind;
    bit<8> operation;
    bit<8> a;
    bit<8> b;
    bit<4> n;
    bit<12> m;
    bit<48> x;
    bit<64> y;
}

header tail_t {
    bit<16> first;
    bit<24> second;
}

header results_t {
    bit<64> value;
    bit<16> way;
    bit<8> color;
    bit<8> packet_color;
    bit<1> hit;
    bit<1> tail;
    bit<1> failed;
    @padding bit<5> _pad0;
    bit<16> checksum;
}

struct headers_t {
    results_t results;
    operands_t operands;
    tail_t tail;
}

struct metadata_t {
    bit<16> way;
    bit<4> ahead;
    bit<8> color;
}

parser IngressParser(
        packet_in packet,
        out headers_t hdr,
        out metadata_t md,
        out ingress_intrinsic_metadata_t ig_intr_md) {

    state start {
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        packet.extract(hdr.operands);
        transition select(hdr.operands.kind, hdr.operands.n) {
            (0x10 &&& 0xf0, _): parse_tail;
            (0x20 &&& 0xf0, 0): skip;
            (0x20 &&& 0xf0, 1 &&& 1): look;
            (0x30 &&& 0xf0, 3): reject;
            (_, _): accept;
        }
    }

    state skip {
        packet.advance(16);
        transition accept;
    }

    state look {
        transition select(packet.lookahead<bit<4>>()) {
            7: parse_tail;
            8: skip;
            default: accept;
        }
    }

    state parse_tail {
        packet.extract(hdr.tail);
        transition accept;
    }
}

control Calculation(inout headers_t hdr) {
    apply {
        if (hdr.operands.operation == 0) {
            hdr.results.value = (bit<64>)(hdr.operands.a + hdr.operands.b);
        } else if (hdr.operands.operation == 1) {
            hdr.results.value = (bit<64>)(hdr.operands.a - hdr.operands.b);
        } else if (hdr.operands.operation == 2) {
            hdr.results.value = (bit<64>)(hdr.operands.a |+| hdr.operands.b);
        } else if (hdr.operands.operation == 3) {
            hdr.results.value = (bit<64>)(hdr.operands.a |-| hdr.operands.b);
        } else if (hdr.operands.operation == 4) {
            hdr.results.value = (bit<64>)(
                (hdr.operands.a & ~hdr.operands.b) | (hdr.operands.b ^ 0x5a));
        } else if (hdr.operands.operation == 5) {
            hdr.results.value = (bit<64>)(hdr.operands.a << 3);
        } else if (hdr.operands.operation == 6) {
            hdr.results.value = (bit<64>)(hdr.operands.a >> 3);
        } else if (hdr.operands.operation == 7) {
            hdr.results.value = (bit<64>)((bit<8>)((int<8>)hdr.operands.a >> 3));
        } else if (hdr.operands.operation == 8) {
            hdr.results.value = (bit<64>)(hdr.operands.n ++ hdr.operands.m);
        } else if (hdr.operands.operation == 9) {
            hdr.results.value = (bit<64>)(hdr.operands.y[43:28]);
        } else if (hdr.operands.operation == 10) {
            hdr.results.value = (bit<64>)((bit<16>)(int<16>)(int<8>)hdr.operands.a);
        } else if (hdr.operands.operation == 11) {
            hdr.results.value = (bit<64>)(
                hdr.operands.a < hdr.operands.b ? hdr.operands.b : -hdr.operands.a);
        } else if (hdr.operands.operation == 12) {
            hdr.results.value = (bit<64>)((bit<1>)(hdr.operands.a < hdr.operands.b));
        } else if (hdr.operands.operation == 13) {
            hdr.results.value = (bit<64>)((bit<1>)(hdr.operands.x <= 48w0x8000_0000_0000));
        } else if (hdr.operands.operation == 14) {
            hdr.results.value = (bit<64>)(
                (bit<1>)((int<8>)hdr.operands.a < (int<8>)hdr.operands.b));
        } else if (hdr.operands.operation == 15) {
            hdr.results.value = (bit<64>)((bit<1>)((int<8>)hdr.operands.a > 0));
        } else if (hdr.operands.operation == 16) {
            hdr.results.value = (bit<64>)(
                (bit<1>)((hdr.operands.a == 0 || hdr.operands.b != 0) && !(hdr.operands.y > 0x7fff_ffff_ffff)));
        } else if (hdr.operands.operation == 17) {
            hdr.results.value = (bit<64>)(hdr.operands.x + 48w0xfedc_ba98_7654);
        } else if (hdr.operands.operation == 18) {
            hdr.results.value = (bit<64>)(hdr.operands.y - (bit<64>)hdr.operands.x);
        } else if (hdr.operands.operation == 19) {
            hdr.results.value = (bit<64>)(hdr.operands.y[7:0] ++ hdr.operands.y[63:8]);
        } else if (hdr.operands.operation == 20) {
            hdr.results.value = (bit<64>)(hdr.operands.x[20:3] ++ hdr.operands.n);
        } else if (hdr.operands.operation == 21) {
            hdr.results.value = (bit<64>)(-hdr.operands.y);
        } else if (hdr.operands.operation == 22) {
            hdr.results.value = (bit<64>)(~hdr.operands.x);
        } else if (hdr.operands.operation == 23) {
            hdr.results.value = (bit<64>)(hdr.operands.m |+| 12w0x801);
        } else if (hdr.operands.operation == 24) {
            hdr.results.value = (bit<64>)(hdr.operands.x |-| 48w0x1_0000);
        } else if (hdr.operands.operation == 25) {
            hdr.results.value = (bit<64>)((bit<4>)hdr.operands.y);
        } else if (hdr.operands.operation == 26) {
            hdr.results.value = (bit<64>)((bit<48>)(int<48>)(int<12>)hdr.operands.m);
        } else if (hdr.operands.operation == 27) {
            hdr.results.value = (bit<64>)(hdr.operands.y << 17);
        } else if (hdr.operands.operation == 28) {
            hdr.results.value = (bit<64>)(hdr.operands.x >> 47);
        } else if (hdr.operands.operation == 29) {
            hdr.results.value = (bit<64>)(
                (hdr.operands.y ^ (hdr.operands.y >> 32)) & 64w0xffff_ffff);
        } else if (hdr.operands.operation == 30) {
            hdr.results.value = (bit<64>)(
                (bit<1>)((hdr.operands.n == 9 && hdr.operands.m[0:0] == 1) || hdr.operands.x[47:47] == 0));
        } else if (hdr.operands.operation == 31) {
            hdr.results.value = (bit<64>)((bit<12>)((int<12>)hdr.operands.m >> 5));
        }
    }
}

control Ingress(
        inout headers_t hdr,
        inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {

    Counter<bit<64>, bit<8>>(16, CounterType_t.PACKETS_AND_BYTES) seen;
    Meter<bit<8>>(4, MeterType_t.BYTES) byte_meter;
    Meter<bit<8>>(4, MeterType_t.PACKETS) packet_meter;

    action take(bit<16> way, bit<9> port) {
        md.way = way;
        ig_tm_md.ucast_egress_port = port;
    }

    action refuse() {
        ig_dprsr_md.drop_ctl = 1;
    }

    action leave_alone() {
        md.way = 0xffff;
    }

    Calculation() calculation;

    table ways {
        key = {
            hdr.operands.a : exact @name("a");
            hdr.operands.x[39:8] : lpm @name("x");
        }
        actions = {
            take;
            refuse;
            leave_alone;
        }
        default_action = leave_alone();
        size = 64;
    }

    apply {
        ig_tm_md.ucast_egress_port = 5;
        if (hdr.operands.isValid()) {
            hdr.results.setValid();
            calculation.apply(hdr);
            hdr.results.tail = (bit<1>)hdr.tail.isValid();
            hdr.results.failed = (bit<1>)(ig_prsr_md.parser_err != PARSER_ERROR_OK);
            hdr.results.hit = (bit<1>)ways.apply().hit;
            hdr.results.way = md.way;
            hdr.operands.m[7:4] = hdr.operands.n;
            hdr.operands.x[11:0] = hdr.operands.m;
            seen.count(hdr.operands.b, 3);
            if (hdr.operands.kind[0:0] == 1) {
                hdr.results.color = byte_meter.execute(
                    index = (hdr.operands.n ++ hdr.operands.m[11:8]) & 3, adjust_byte_count = 5);
                hdr.results.packet_color = packet_meter.execute(
                    index = hdr.operands.b & 3, color = (MeterColor_t)hdr.results.color);
            }
            if (hdr.operands.kind[1:1] == 1) {
                ig_tm_md.bypass_egress = 1;
                exit;
            }
            if (hdr.operands.kind[2:2] == 1) {
                hdr.tail.setValid();
                hdr.tail.first = 0xbeef;
            } else if (hdr.operands.kind[3:3] == 1) {
                hdr.tail.setInvalid();
            }
            hdr.tail.second = hdr.tail.second + 1;
        } else {
            refuse();
        }
    }
}

control IngressDeparser(
        packet_out packet,
        inout headers_t hdr,
        in metadata_t md,
        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {

    Checksum() checksum;

    apply {
        if (hdr.results.isValid()) {
            hdr.results.checksum = checksum.update({
                hdr.operands.kind,
                hdr.operands.operation,
                hdr.operands.a,
                hdr.operands.b,
                hdr.operands.n,
                hdr.operands.m,
                hdr.operands.x,
                hdr.operands.y
            });
        }
        packet.emit(hdr.results);
        packet.emit(hdr.operands);
        packet.emit(hdr.tail);
    }
}

struct egress_headers_t {
    results_t results;
    operands_t operands;
}

struct egress_metadata_t {
    bit<8> kind;
}

parser EgressParser(
        packet_in packet,
        out egress_headers_t hdr,
        out egress_metadata_t md,
        out egress_intrinsic_metadata_t eg_intr_md) {

    state start {
        packet.extract(eg_intr_md);
        packet.extract(hdr.results);
        packet.extract(hdr.operands);
        transition accept;
    }
}

control Egress(
        inout egress_headers_t hdr,
        inout egress_metadata_t md,
        in egress_intrinsic_metadata_t eg_intr_md,
        in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
        inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
        inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {

    Counter<bit<64>, bit<4>>(16, CounterType_t.PACKETS_AND_BYTES) left;

    apply {
        left.count(hdr.operands.n, 2);
        if (hdr.operands.kind == 0x40) {
            hdr.results.setInvalid();
        } else if (hdr.operands.kind == 0x50) {
            hdr.operands.setInvalid();
            hdr.results.way = 7w0 ++ eg_intr_md.egress_port;
        } else if (hdr.operands.kind == 0x60) {
            eg_dprsr_md.drop_ctl = 1;
        }
    }
}

control EgressDeparser(
        packet_out packet,
        inout egress_headers_t hdr,
        in egress_metadata_t md,
        in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {
    apply {
        packet.emit(hdr.operands);
        packet.emit(hdr.results);
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
