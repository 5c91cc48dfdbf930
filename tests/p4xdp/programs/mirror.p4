// Packets say themselves what is to be copied, dropped and changed, in either gress. A copy shows in
// front what it was mirrored with; every packet, in its last octets, what egress knew of it.

#include <core.p4>
#include <tna.p4>

const bit<8> KIND_BRIDGED = 0;
const bit<8> KIND_SHORT = 1;
const bit<8> KIND_LONG = 2;

header bridged_t {
    bit<8> kind;
    @padding bit<6> pad;
    MirrorId_t session;
}

header short_mirror_t {
    bit<8> kind;
    bit<8> type;
    @padding bit<6> pad;
    MirrorId_t session;
}

header long_mirror_t {
    bit<8> kind;
    @padding bit<7> pad;
    PortId_t port;
    bit<128> name;
    bit<16> length;
}

header orders_t {
    @padding bit<5> pad_0;
    MirrorType_t ingress_mirror;
    @padding bit<5> pad_1;
    MirrorType_t egress_mirror;
    @padding bit<6> pad_2;
    MirrorId_t session;
    @padding bit<5> pad_4;
    bit<3> ingress_drop;
    @padding bit<5> pad_5;
    bit<3> egress_drop;
    bit<1> has_name;
    @padding bit<4> pad_6;
    bit<1> copies_insist;
    bit<1> removes_name;
    bit<1> bypasses;
    bit<8> value;
    @padding bit<7> pad_8;
    PortId_t port;
    bit<32> spare;
    bit<16> kept;
}

header name_t {
    bit<128> value;
}

header seen_t {
    @padding bit<7> pad;
    PortId_t egress_port;
    bit<16> egress_rid;
    bit<16> pkt_length;
}

struct ingress_headers_t {
    bridged_t bridged;
    orders_t orders;
    name_t name;
}

struct egress_headers_t {
    bridged_t bridged;
    short_mirror_t short_mirror;
    long_mirror_t long_mirror;
    seen_t seen;
    orders_t orders;
    name_t name;
}

struct metadata_t {
    MirrorId_t session;
    bit<8> kind;
    bit<8> type;
}

parser IngressParser(
        packet_in packet,
        out ingress_headers_t hdr,
        out metadata_t md,
        out ingress_intrinsic_metadata_t ig_intr_md) {
    state start {
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        packet.extract(hdr.orders);
        transition select(hdr.orders.has_name) {
            1: parse_name;
            default: accept;
        }
    }
    state parse_name {
        packet.extract(hdr.name);
        transition accept;
    }
}

control Ingress(
        inout ingress_headers_t hdr,
        inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {
    apply {
        md.kind = KIND_SHORT;
        md.session = hdr.orders.session;
        md.type = hdr.orders.value;
        ig_tm_md.ucast_egress_port = hdr.orders.port;
        ig_dprsr_md.mirror_type = hdr.orders.ingress_mirror;
        ig_dprsr_md.drop_ctl = hdr.orders.ingress_drop;
        hdr.orders.kept = 0x1234;
        if (hdr.orders.bypasses == 1) {
            ig_tm_md.bypass_egress = 1;
        } else {
            hdr.bridged.setValid();
            hdr.bridged.kind = KIND_BRIDGED;
            hdr.bridged.session = hdr.orders.session;
        }
        if (hdr.orders.removes_name == 1) {
            hdr.name.setInvalid();
        }
    }
}

control IngressDeparser(
        packet_out packet,
        inout ingress_headers_t hdr,
        in metadata_t md,
        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    Mirror() mirror;
    Mirror() bare;
    apply {
        if (ig_dprsr_md.mirror_type == 1) {
            mirror.emit<short_mirror_t>(md.session, {md.kind, md.type, 0, md.session});
        } else if (ig_dprsr_md.mirror_type == 2) {
            mirror.emit<long_mirror_t>(
                md.session, {hdr.orders.value, 0, hdr.orders.port, hdr.name.value, 0});
        }
        if (ig_dprsr_md.mirror_type == 3) {
            bare.emit(md.session);
        }
        packet.emit(hdr);
    }
}

parser EgressParser(
        packet_in packet,
        out egress_headers_t hdr,
        out metadata_t md,
        out egress_intrinsic_metadata_t eg_intr_md) {
    state start {
        packet.extract(eg_intr_md);
        transition select(packet.lookahead<bit<8>>()) {
            KIND_BRIDGED: parse_bridged;
            KIND_SHORT: parse_short_mirror;
            KIND_LONG: parse_long_mirror;
            default: accept;
        }
    }
    state parse_bridged {
        packet.extract(hdr.bridged);
        transition parse_orders;
    }
    state parse_short_mirror {
        packet.extract(hdr.short_mirror);
        transition parse_orders;
    }
    state parse_long_mirror {
        packet.extract(hdr.long_mirror);
        transition parse_orders;
    }
    state parse_orders {
        packet.extract(hdr.orders);
        transition accept;
    }
}

control Egress(
        inout egress_headers_t hdr,
        inout metadata_t md,
        in egress_intrinsic_metadata_t eg_intr_md,
        in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
        inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
        inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {
    Counter<bit<64>, PortId_t>(512, CounterType_t.PACKETS_AND_BYTES) passed;

    apply {
        passed.count(eg_intr_md.egress_port);
        md.kind = KIND_SHORT;
        md.session = hdr.orders.session;
        if (hdr.short_mirror.isValid()) {
            hdr.short_mirror.pad = 5;
        } else {
            md.type = hdr.orders.value;
        }
        if (hdr.short_mirror.isValid() && hdr.orders.copies_insist == 0) {
            md.type = 0;
        }
        eg_dprsr_md.mirror_type = hdr.orders.egress_mirror;
        eg_dprsr_md.drop_ctl = hdr.orders.egress_drop;
        if (hdr.bridged.isValid()) {
            hdr.orders.kept = 0x5678;
            hdr.bridged.setInvalid();
        } else {
            // What copies ask for is done to packets alone, but where they insist.
            if (hdr.orders.copies_insist == 0) {
                eg_dprsr_md.mirror_type = 0;
                eg_dprsr_md.drop_ctl = 0;
            }
            hdr.seen.setValid();
            hdr.seen.egress_port = eg_intr_md.egress_port;
            hdr.seen.egress_rid = eg_intr_md.egress_rid;
            hdr.seen.pkt_length = eg_intr_md.pkt_length;
        }
    }
}

control EgressDeparser(
        packet_out packet,
        inout egress_headers_t hdr,
        in metadata_t md,
        in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
        in egress_intrinsic_metadata_t eg_intr_md) {
    Mirror(1) short_mirror;
    Mirror(4) long_mirror;
    apply {
        short_mirror.emit<short_mirror_t>(md.session, {md.kind, md.type, 0, md.session});
        long_mirror.emit<long_mirror_t>(
            md.session,
            {hdr.orders.value, 0, eg_intr_md.egress_port, hdr.name.value, eg_intr_md.pkt_length});
        packet.emit(hdr);
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
