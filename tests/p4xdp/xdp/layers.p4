// Takes layers off packets and puts others on, in both gresses: wherever a header can lie.

#include <core.p4>
#include <tna.p4>

header ethernet_t {
    bit<48> dst_addr;
    bit<48> src_addr;
    bit<16> ether_type;
}

header vlan_t {
    bit<3> pcp;
    bit<1> dei;
    bit<12> vid;
    bit<16> ether_type;
}

header label_t {
    bit<20> label;
    bit<3> traffic_class;
    bit<1> bottom;
    bit<40> more;
}

header body_t {
    bit<4> kind;
    bit<4> low;
    bit<128> wide;
    bit<16> word;
}

header bridged_t {
    bit<8> work;
    bit<16> value;
}

struct ingress_headers_t {
    bridged_t bridged;
    ethernet_t ethernet;
    vlan_t vlan;
    label_t label;
    body_t body;
}

struct egress_headers_t {
    bridged_t bridged;
    ethernet_t ethernet;
    label_t outer;
    vlan_t vlan;
    label_t label;
    body_t body;
}

struct metadata_t {
    bit<16> value;
}

parser IngressParser(
        packet_in packet,
        out ingress_headers_t hdr,
        out metadata_t md,
        out ingress_intrinsic_metadata_t ig_intr_md) {

    state start {
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.ether_type) {
            0x8100: parse_vlan;
            0x8847: parse_label;
            0x8888: parse_body;
            default: accept;
        }
    }

    state parse_vlan {
        packet.extract(hdr.vlan);
        transition select(hdr.vlan.ether_type) {
            0x8847: parse_label;
            0x8888: parse_body;
            default: accept;
        }
    }

    state parse_label {
        packet.extract(hdr.label);
        transition parse_body;
    }

    state parse_body {
        packet.extract(hdr.body);
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

    Counter<bit<64>, bit<4>>(16, CounterType_t.PACKETS_AND_BYTES) received;

    action push_vlan(bit<12> vid, bit<3> pcp) {
        hdr.vlan.setValid();
        hdr.vlan.vid = vid;
        hdr.vlan.pcp = pcp;
        hdr.vlan.ether_type = hdr.ethernet.ether_type;
        hdr.ethernet.ether_type = 0x8100;
    }

    action pop_vlan() {
        hdr.ethernet.ether_type = hdr.vlan.ether_type;
        hdr.vlan.setInvalid();
    }

    action pop_label(bit<16> value) {
        hdr.label.setInvalid();
        hdr.vlan.ether_type = 0x8888;
        md.value = value;
    }

    action change_body(bit<4> low, bit<16> word) {
        hdr.body.low = low;
        hdr.body.word[11:4] = word[7:0];
    }

    table work {
        key = {
            ig_intr_md.ingress_port[3:0] : exact @name("port");
        }
        actions = {
            push_vlan;
            pop_vlan;
            pop_label;
            change_body;
            NoAction;
        }
        default_action = NoAction();
        size = 16;
    }

    apply {
        received.count(ig_intr_md.ingress_port[3:0]);
        work.apply();
        ig_tm_md.ucast_egress_port = 7;
        if (ig_intr_md.ingress_port[8:8] == 1) {
            ig_tm_md.bypass_egress = 1;
        } else if (ig_prsr_md.parser_err != PARSER_ERROR_OK) {
            ig_dprsr_md.drop_ctl = 1;
        } else {
            hdr.bridged.setValid();
            hdr.bridged.work = ig_intr_md.ingress_port[7:0];
            hdr.bridged.value = md.value;
        }
    }
}

control IngressDeparser(
        packet_out packet,
        inout ingress_headers_t hdr,
        in metadata_t md,
        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    apply {
        packet.emit(hdr.bridged);
        packet.emit(hdr.ethernet);
        packet.emit(hdr.vlan);
        packet.emit(hdr.label);
        packet.emit(hdr.body);
    }
}

parser EgressParser(
        packet_in packet,
        out egress_headers_t hdr,
        out metadata_t md,
        out egress_intrinsic_metadata_t eg_intr_md) {

    state start {
        packet.extract(eg_intr_md);
        packet.extract(hdr.bridged);
        packet.extract(hdr.ethernet);
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

    Counter<bit<64>, bit<4>>(16, CounterType_t.PACKETS_AND_BYTES) left;

    apply {
        left.count(hdr.bridged.work[3:0], 3);
        if (hdr.bridged.work[7:4] == 1) {
            hdr.outer.setValid();
            hdr.outer.label = 0xabcde;
            hdr.outer.bottom = 1;
            hdr.outer.more = (bit<40>)hdr.bridged.value;
        } else if (hdr.bridged.work[7:4] == 2) {
            hdr.ethernet.setInvalid();
        } else if (hdr.bridged.work[7:4] == 3) {
            hdr.ethernet.src_addr = hdr.ethernet.dst_addr;
        }
        hdr.bridged.setInvalid();
    }
}

control EgressDeparser(
        packet_out packet,
        inout egress_headers_t hdr,
        in metadata_t md,
        in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {
    apply {
        packet.emit(hdr.outer);
        packet.emit(hdr.ethernet);
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
