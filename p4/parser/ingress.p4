// From the wire to headers, and back.

#ifndef INGRESS_PARSER_P4
#define INGRESS_PARSER_P4

parser IngressParser(
        packet_in packet,
        out ingress_headers_t hdr,
        out ingress_metadata_t md,
        out ingress_intrinsic_metadata_t ig_intr_md) {

    state start {
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        transition select(ig_intr_md.ingress_port) {
            PORT_CONTROLLER: parse_packet_out;
            default: parse_ethernet;
        }
    }

    state parse_packet_out {
        packet.extract(hdr.packet_out);
        transition parse_ethernet;
    }

    state parse_ethernet {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.ether_type) {
            ETHERTYPE_IPV4: parse_ipv4;
            default: accept;
        }
    }

    // GTP-U is looked for in whole datagrams without options only: what else comes to an address of
    // ours is for the host.
    state parse_ipv4 {
        packet.extract(hdr.ipv4);
        transition select(hdr.ipv4.ihl, hdr.ipv4.flags, hdr.ipv4.frag_offset, hdr.ipv4.protocol) {
            (5, 0 &&& 1, 0, PROTOCOL_UDP): parse_udp;
            default: accept;
        }
    }

    state parse_udp {
        packet.extract(hdr.udp);
        transition select(hdr.udp.dst_port) {
            UDP_PORT_GTPU: parse_gtpu;
            default: accept;
        }
    }

    state parse_gtpu {
        packet.extract(hdr.gtpu);
        transition select(
                hdr.gtpu.version, hdr.gtpu.protocol_type, hdr.gtpu.message_type,
                hdr.gtpu.extension_flag, hdr.gtpu.sequence_flag, hdr.gtpu.npdu_flag) {
            (1, 1, GTPU_MESSAGE_G_PDU, 0, 0, 0): parse_inner;
            (1, 1, GTPU_MESSAGE_G_PDU, 0, _, _): parse_gtpu_options_only;
            (1, 1, GTPU_MESSAGE_G_PDU, 1, _, _): parse_gtpu_options;
            default: accept;
        }
    }

    // Without the extension flag the type of the next extension means nothing (TS 29.281 5.1).
    state parse_gtpu_options_only {
        packet.extract(hdr.gtpu_options);
        transition parse_inner;
    }

    state parse_gtpu_options {
        packet.extract(hdr.gtpu_options);
        transition select(hdr.gtpu_options.next_extension) {
            0: parse_inner;
            GTPU_EXTENSION_PDU_SESSION_CONTAINER: parse_psc;
            default: accept;
        }
    }

    state parse_psc {
        packet.extract(hdr.psc);
        transition select(hdr.psc.length, hdr.psc.next_extension) {
            (1, 0): parse_inner;
            default: accept;
        }
    }

    state parse_inner {
        transition select(packet.lookahead<bit<4>>()) {
            4: parse_inner_ipv4;
            default: accept;
        }
    }

    state parse_inner_ipv4 {
        packet.extract(hdr.inner_ipv4);
        transition accept;
    }
}

control IngressDeparser(
        packet_out packet,
        inout ingress_headers_t hdr,
        in ingress_metadata_t md,
        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {
    apply {
        packet.emit(hdr.bridged);
        packet.emit(hdr.ethernet);
        packet.emit(hdr.ipv4);
        packet.emit(hdr.udp);
        packet.emit(hdr.gtpu);
        packet.emit(hdr.gtpu_options);
        packet.emit(hdr.psc);
        packet.emit(hdr.inner_ipv4);
    }
}

#endif
