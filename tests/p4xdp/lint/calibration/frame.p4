// What every program here shares: headers, parsers, deparsers and an egress that does nothing.
#include <core.p4>
#if __TARGET_TOFINO__ == 2
#include <t2na.p4>
#else
#include <tna.p4>
#endif

header ethernet_t { bit<48> dst; bit<48> src; bit<16> type; }
header ipv4_t {
    bit<8> version_ihl; bit<8> tos; bit<16> total_len; bit<16> id; bit<16> fragment;
    bit<8> ttl; bit<8> protocol; bit<16> checksum; bit<32> src; bit<32> dst;
}
header ipv6_t { bit<64> first; bit<128> src; bit<128> dst; }
header udp_t { bit<16> src; bit<16> dst; bit<16> len; bit<16> checksum; }
// What tables leave behind; emitted, so that no compiler finds it useless.
header state_t {
    bit<8> a; bit<8> b; bit<8> color; bit<24> id; bit<16> w; bit<16> x; bit<32> p; bit<32> q;
}
struct headers_t { state_t state; ethernet_t ethernet; ipv4_t ipv4; ipv6_t ipv6; udp_t udp; }
struct metadata_t { }

parser IngressParser(packet_in packet, out headers_t hdr, out metadata_t md,
        out ingress_intrinsic_metadata_t ig_intr_md) {
    state start {
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        hdr.state.setValid();
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.type) {
            0x0800: parse_ipv4;
            0x86dd: parse_ipv6;
            default: accept;
        }
    }
    state parse_ipv4 {
        packet.extract(hdr.ipv4);
        transition select(hdr.ipv4.protocol) { 17: parse_udp; default: accept; }
    }
    state parse_ipv6 { packet.extract(hdr.ipv6); transition accept; }
    state parse_udp { packet.extract(hdr.udp); transition accept; }
}
control IngressDeparser(packet_out packet, inout headers_t hdr, in metadata_t md,
        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    apply { packet.emit(hdr); }
}
parser EgressParser(packet_in packet, out headers_t hdr, out metadata_t md,
        out egress_intrinsic_metadata_t eg_intr_md) {
    state start {
        packet.extract(eg_intr_md);
        packet.extract(hdr.state);
        packet.extract(hdr.ethernet);
        transition accept;
    }
}
control EgressDeparser(packet_out packet, inout headers_t hdr, in metadata_t md,
        in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {
    apply { packet.emit(hdr); }
}
