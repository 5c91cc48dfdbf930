// Hashes of every algorithm and several widths, of fields that begin and end inside octets.

#include <core.p4>
#include <tna.p4>

header packet_t {
    bit<4> n;
    bit<12> m;
    bit<128> src;
    bit<128> dst;
    bit<16> port;
    bit<8> protocol;
}

header more_t {
    bit<3> x;
    bit<20> y;
    bit<1> z;
}

header result_t {
    bit<32> crc32_of_all;
    bit<32> crc32_of_some;
    bit<16> crc16_of_all;
    bit<16> crc16_of_some;
    bit<5> bucket;
    bit<3> small;
    bit<16> copied;
    bit<128> identity;
}

struct headers_t {
    result_t result;
    packet_t packet;
    more_t more;
}

struct no_headers_t {
}

struct metadata_t {
}

parser IngressParser(
        packet_in packet,
        out headers_t hdr,
        out metadata_t md,
        out ingress_intrinsic_metadata_t ig_intr_md) {

    state start {
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        packet.extract(hdr.packet);
        transition select(hdr.packet.protocol) {
            0: accept;
            default: parse_more;
        }
    }

    state parse_more {
        packet.extract(hdr.more);
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

    Hash<bit<32>>(HashAlgorithm_t.CRC32) crc32;
    Hash<bit<5>>(HashAlgorithm_t.CRC32) bucket;
    Hash<bit<16>>(HashAlgorithm_t.CRC16) crc16;
    Hash<bit<3>>(HashAlgorithm_t.CRC16) small;
    Hash<bit<16>>(HashAlgorithm_t.IDENTITY) copied;
    Hash<bit<128>>(HashAlgorithm_t.IDENTITY) identity;

    action choose() {
        hdr.result.bucket = bucket.get({hdr.packet.src, hdr.packet.dst});
    }

    apply {
        hdr.result.setValid();
        hdr.result.crc32_of_all = crc32.get(hdr.packet);
        hdr.result.crc32_of_some = crc32.get({
            hdr.packet.m,
            hdr.packet.src[100:29],
            hdr.more.y,
            hdr.packet.port
        });
        hdr.result.crc16_of_all = crc16.get({hdr.packet, hdr.more});
        hdr.result.crc16_of_some = crc16.get({hdr.more.x, 4w9, hdr.more.z});
        choose();
        if (small.get({hdr.packet.protocol}) > 3) {
            hdr.result.small = small.get({hdr.packet.port});
        }
        hdr.result.copied = copied.get({hdr.packet.src, hdr.more.x, hdr.more.y});
        hdr.result.identity = identity.get({hdr.packet.n, hdr.packet.src, hdr.packet.m});
        hdr.packet.src[7:0] = (bit<8>)bucket.get({hdr.packet.dst[63:0]});
        ig_tm_md.bypass_egress = 1;
    }
}

control IngressDeparser(
        packet_out packet,
        inout headers_t hdr,
        in metadata_t md,
        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    apply {
        packet.emit(hdr.result);
        packet.emit(hdr.packet);
        packet.emit(hdr.more);
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
