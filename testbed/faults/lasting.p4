// Forwards by port, and holds a table of every kind, counters, a meter and a register: what must
// outlive the process of a switch.

#include <core.p4>
#include <tna.p4>

header ethernet_t {
    bit<48> dst_addr;
    bit<48> src_addr;
    bit<16> ether_type;
}

struct headers_t {
    ethernet_t ethernet;
}

struct no_headers_t {
}

struct metadata_t {
    bit<16> mark;
}

parser IngressParser(
        packet_in packet,
        out headers_t hdr,
        out metadata_t md,
        out ingress_intrinsic_metadata_t ig_intr_md) {

    state start {
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        md.mark = 0;
        packet.extract(hdr.ethernet);
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

    DirectCounter<bit<64>>(CounterType_t.PACKETS_AND_BYTES) sent;
    Counter<bit<64>, PortId_t>(512, CounterType_t.PACKETS_AND_BYTES) received;
    Meter<bit<6>>(64, MeterType_t.BYTES) limits;
    Register<bit<32>, bit<6>>(64) numbers;
    RegisterAction<bit<32>, bit<6>, bit<32>>(numbers) one_more = {
        void apply(inout bit<32> value) {
            value = value + 1;
        }
    };

    action send(PortId_t port) {
        sent.count();
        ig_tm_md.ucast_egress_port = port;
        ig_tm_md.bypass_egress = 1;
    }

    action drop() {
        sent.count();
        ig_dprsr_md.drop_ctl = 1;
    }

    action mark(bit<16> value) {
        md.mark = md.mark ^ value;
    }

    table wires {
        key = {
            ig_intr_md.ingress_port : exact @name("ingress_port");
        }
        actions = {
            send;
            drop;
        }
        default_action = drop();
        counters = sent;
        size = 16;
    }

    table stations {
        key = {
            hdr.ethernet.dst_addr : exact @name("address");
        }
        actions = {
            mark;
        }
        const default_action = mark(0);
        size = 65536;
    }

    table vendors {
        key = {
            hdr.ethernet.src_addr : lpm @name("address");
        }
        actions = {
            mark;
        }
        const default_action = mark(0);
        size = 4096;
    }

    table filters {
        key = {
            hdr.ethernet.ether_type : ternary @name("ether_type");
        }
        actions = {
            mark;
        }
        const default_action = mark(0);
        size = 256;
    }

    table rules {
        key = {
            hdr.ethernet.ether_type : exact @name("ether_type");
            hdr.ethernet.dst_addr : ternary @name("address");
        }
        actions = {
            mark;
        }
        const default_action = mark(0);
        size = 1024;
    }

    apply {
        received.count(ig_intr_md.ingress_port);
        bit<8> color = limits.execute(hdr.ethernet.dst_addr[5:0]);
        one_more.execute(hdr.ethernet.dst_addr[5:0]);
        stations.apply();
        vendors.apply();
        filters.apply();
        rules.apply();
        if (md.mark != 0xffff) {
            wires.apply();
        }
    }
}

control IngressDeparser(
        packet_out packet,
        inout headers_t hdr,
        in metadata_t md,
        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    apply {
        packet.emit(hdr.ethernet);
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
