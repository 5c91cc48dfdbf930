// Packets tell the controller of themselves, as they say; dropped or not.

#include <core.p4>
#include <tna.p4>

header talk_t {
    @padding bit<5> pad;
    DigestType_t about;
    @padding bit<7> pad_1;
    bit<1> is_dropped;
    bit<48> address;
    bit<16> word;
    bit<128> name;
    int<8> signed;
    bit<8> spare;
}

struct seen_t {
    bit<48> address;
    PortId_t port;
    bit<7> pad;
}

struct named_t {
    bool is_named;
    bit<128> name;
    int<8> signed;
}

struct headers_t {
    talk_t talk;
}

struct metadata_t {
    seen_t seen;
    bool is_named;
    bit<16> word;
}

parser IngressParser(
        packet_in packet,
        out headers_t hdr,
        out metadata_t md,
        out ingress_intrinsic_metadata_t ig_intr_md) {
    state start {
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        packet.extract(hdr.talk);
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
    apply {
        ig_tm_md.ucast_egress_port = ig_intr_md.ingress_port;
        md.seen.address = hdr.talk.address;
        md.seen.port = ig_intr_md.ingress_port;
        if (hdr.talk.word == 7) {
            md.is_named = true;
        }
        md.word = hdr.talk.word;
        ig_dprsr_md.digest_type = hdr.talk.about;
        if (hdr.talk.is_dropped == 1) {
            ig_dprsr_md.drop_ctl = 1;
        }
        if (hdr.talk.spare == 0xff) {
            hdr.talk.setInvalid();
        }
    }
}

control IngressDeparser(
        packet_out packet,
        inout headers_t hdr,
        in metadata_t md,
        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    Digest<seen_t>() seen;
    @name("full") Digest<named_t>() named;
    Digest<bit<16>>() words;
    Digest<seen_t>() others;
    Digest<talk_t>() unused;
    apply {
        if (ig_dprsr_md.digest_type == 1) {
            seen.pack(md.seen);
        } else if (ig_dprsr_md.digest_type == 2) {
            named.pack({md.is_named, hdr.talk.name, hdr.talk.signed});
        }
        if (ig_dprsr_md.digest_type == 3) {
            words.pack(md.word);
        }
        if (ig_dprsr_md.digest_type == 7) {
            others.pack({hdr.talk.address, 0, 0});
        }
        packet.emit(hdr);
    }
}

parser EgressParser(
        packet_in packet,
        out headers_t hdr,
        out metadata_t md,
        out egress_intrinsic_metadata_t eg_intr_md) {
    state start {
        packet.extract(eg_intr_md);
        transition accept;
    }
}

control Egress(
        inout headers_t hdr,
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
        inout headers_t hdr,
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
