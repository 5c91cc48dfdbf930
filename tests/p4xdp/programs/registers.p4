// Registers: of one number and of two, signed and not, read and changed by packets in one step each; executed
// in apply and in the actions of a table, by several actions; indices beyond the end.

#include <core.p4>
#include <tna.p4>

header packet_t {
    bit<8> kind;
    bit<8> index;
    bit<32> amount;
    bit<16> small;
    bit<128> rest;
}

header result_t {
    bit<32> ticket;
    bit<8> refused;
    bit<8> level;
    bit<32> flow;
    bit<8> sign;
}

struct quota_t {
    bit<32> limit;
    bit<32> used;
}

struct halves_t {
    bit<16> smallest;
    bit<16> largest;
}

struct headers_t {
    result_t result;
    packet_t packet;
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

    Register<bit<32>, bit<4>>(12, 5) tickets;
    Register<quota_t, bit<8>>(200, {1000, 0}) quotas;
    Register<bit<8>, bit<8>>(256) levels;
    Register<int<32>, bit<1>>(2, -3) balances;
    @name("extremes") Register<halves_t, bit<4>>(16, {0xffff, 0}) extremes_of_flows;

    RegisterAction<bit<32>, bit<4>, bit<32>>(tickets) next_ticket = {
        void apply(inout bit<32> value, out bit<32> rv) {
            rv = value;
            value = value + 1;
        }
    };

    RegisterAction<bit<32>, bit<4>, bit<32>>(tickets) reset_tickets = {
        void apply(inout bit<32> value) {
            value = 0;
        }
    };

    RegisterAction<quota_t, bit<8>, bit<8>>(quotas) spend = {
        void apply(inout quota_t quota, out bit<8> rv) {
            if (quota.used >= quota.limit) {
                rv = 1;
            } else {
                quota.used = quota.used |+| hdr.packet.amount;
                rv = 0;
            }
        }
    };

    RegisterAction<bit<8>, bit<8>, bit<8>>(levels) sink = {
        void apply(inout bit<8> value, out bit<8> rv) {
            value = value |-| hdr.packet.kind;
            rv = value;
        }
    };

    RegisterAction<bit<8>, bit<8>, bit<8>>(levels) fill = {
        void apply(inout bit<8> value, out bit<8> rv) {
            value = 0xf0;
            rv = value;
        }
    };

    RegisterAction<int<32>, bit<1>, bool>(balances) pay = {
        void apply(inout int<32> value, out bool rv) {
            if (value < 0) {
                value = value + 2;
                rv = true;
            } else {
                value = value - 1;
                rv = false;
            }
        }
    };

    RegisterAction<halves_t, bit<4>, bit<16>>(extremes_of_flows) note = {
        void apply(inout halves_t flow, out bit<16> rv) {
            rv = flow.largest;
            if (hdr.packet.small > flow.largest) {
                flow.largest = hdr.packet.small;
            }
            if (hdr.packet.small < flow.smallest) {
                flow.smallest = hdr.packet.small;
            }
        }
    };

    action sink_level(bit<8> index) {
        hdr.result.level = sink.execute(index);
    }

    action fill_level(bit<8> index) {
        hdr.result.level = fill.execute(index);
    }

    action charge() {
        hdr.result.refused = spend.execute(hdr.packet.index);
    }

    table pools {
        key = {
            hdr.packet.kind : exact @name("kind");
        }
        actions = {
            sink_level;
            fill_level;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 16;
    }

    apply {
        hdr.result.setValid();
        if (hdr.packet.kind == 9) {
            reset_tickets.execute(hdr.packet.index[3:0]);
        } else {
            hdr.result.ticket = next_ticket.execute(hdr.packet.index[3:0]);
        }
        charge();
        pools.apply();
        hdr.result.flow = (bit<32>)note.execute(hdr.packet.index[7:4]);
        if (pay.execute(hdr.packet.index[0:0])) {
            hdr.result.sign = 1;
        }
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
