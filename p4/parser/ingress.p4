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
            default: parse_arrival;
        }
    }

    state parse_packet_out {
        packet.extract(hdr.packet_out);
        md.ingress_port = hdr.packet_out.port;
        transition parse_ethernet;
    }

    @likely state parse_arrival {
        md.ingress_port = ig_intr_md.ingress_port;
        transition parse_ethernet;
    }

    @likely state parse_ethernet {
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.ether_type) {
            ETHERTYPE_VLAN: parse_vlan;
            ETHERTYPE_IPV4: parse_ipv4;
            ETHERTYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }

    state parse_vlan {
        packet.extract(hdr.vlan);
        md.vlan_id = hdr.vlan.vlan_id;
        transition select(hdr.vlan.ether_type) {
            ETHERTYPE_IPV4: parse_ipv4;
            ETHERTYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }

    // An IPv4 header says of itself that it is one, of 20 octets at least, in a packet at least as
    // long as its header; else it is none.
    @likely state parse_ipv4 {
        transition select(
                packet.lookahead<bit<32>>()[31:24], packet.lookahead<bit<32>>()[15:0]) {
            (0x45, 0x0000 &&& 0xfff0): malformed;
            (0x45, 0x0010 &&& 0xfffc): malformed;
            (0x45, _): extract_ipv4;
            (0x40 &&& 0xf0, 0x0000 &&& 0xfff0): malformed;
            (0x40 &&& 0xf0, 0x0010 &&& 0xfff8): malformed;
            (0x46, _): extract_ipv4;
            (0x40 &&& 0xf0, 0x0018 &&& 0xfffc): malformed;
            (0x47, _): extract_ipv4;
            (0x40 &&& 0xf0, 0x001c &&& 0xfffc): malformed;
            (0x48, _): extract_ipv4;
            (0x40 &&& 0xf0, 0x0020 &&& 0xfffc): malformed;
            (0x49, _): extract_ipv4;
            (0x40 &&& 0xf0, 0x0024 &&& 0xfffc): malformed;
            (0x4a, _): extract_ipv4;
            (0x40 &&& 0xf0, 0x0028 &&& 0xfffc): malformed;
            (0x4b, _): extract_ipv4;
            (0x40 &&& 0xf0, 0x002c &&& 0xfffc): malformed;
            (0x4c, _): extract_ipv4;
            (0x40 &&& 0xf0, 0x0030 &&& 0xfffc): malformed;
            (0x4d, _): extract_ipv4;
            (0x40 &&& 0xf0, 0x0034 &&& 0xfffc): malformed;
            (0x4e, _): extract_ipv4;
            (0x40 &&& 0xf0, 0x0038 &&& 0xfffc): malformed;
            (0x4f, _): extract_ipv4;
            default: malformed;
        }
    }

    // Ports are looked for behind headers without options, in whole packets and first fragments;
    // GTP-U in whole packets only.
    @likely state extract_ipv4 {
        packet.extract(hdr.ipv4);
        transition select(hdr.ipv4.ihl, hdr.ipv4.flags, hdr.ipv4.frag_offset, hdr.ipv4.protocol) {
            (5, 0 &&& 1, 0, PROTOCOL_UDP): choose_udp;
            (5, _, 0, PROTOCOL_UDP): parse_l4;
            (5, _, 0, PROTOCOL_TCP): parse_l4;
            (5, _, 0, PROTOCOL_SCTP): parse_l4;
            (5, _, 0, PROTOCOL_ESP): parse_l4;
            default: accept;
        }
    }

    state parse_ipv6 {
        packet.extract(hdr.ipv6);
        transition select(hdr.ipv6.version, hdr.ipv6.next_header) {
            (6, PROTOCOL_UDP): choose_udp;
            (6, PROTOCOL_TCP): parse_l4;
            (6, PROTOCOL_SCTP): parse_l4;
            (6, PROTOCOL_ESP): parse_l4;
            (6, _): accept;
            default: malformed;
        }
    }

    @likely state choose_udp {
        transition select(packet.lookahead<bit<32>>()[15:0]) {
            UDP_PORT_GTPU: parse_udp;
            default: parse_l4;
        }
    }

    @likely state parse_l4 {
        packet.extract(hdr.l4);
        transition accept;
    }

    @likely state parse_udp {
        packet.extract(hdr.udp);
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
        md.option_units = 1;
        transition parse_inner;
    }

    // Types below 0x80 may be skipped by who does not know them (TS 29.281 5.2.1). The PDU session
    // container should be the first (5.2.2.7): one other may stand before it and one behind.
    @likely state parse_gtpu_options {
        packet.extract(hdr.gtpu_options);
        md.option_units = 1;
        transition select(hdr.gtpu_options.next_extension, packet.lookahead<bit<8>>()) {
            (0, _): parse_inner;
            (GTPU_EXTENSION_PDU_SESSION_CONTAINER, 1): parse_psc;
            (GTPU_EXTENSION_PDU_SESSION_CONTAINER, 2 &&& 0xfe): parse_long_psc;
            (GTPU_EXTENSION_PDU_SESSION_CONTAINER, 4 &&& 0xfc): parse_long_psc;
            (GTPU_EXTENSION_PDU_SESSION_CONTAINER, 8 &&& 0xf8): parse_long_psc;
            (GTPU_EXTENSION_PDU_SESSION_CONTAINER, 16 &&& 0xfe): parse_long_psc;
            (0x00 &&& 0x80, 1): parse_before_1;
            (0x00 &&& 0x80, 2): parse_before_2;
            default: unknown_extension;
        }
    }

    state parse_before_1 {
        md.before_units = 1;
        transition parse_before_end;
    }

    state parse_before_2 {
        md.before_units = 2;
        packet.extract(hdr.before_1);
        transition parse_before_end;
    }

    state parse_before_end {
        packet.extract(hdr.before_end);
        transition select(hdr.before_end.next_extension, packet.lookahead<bit<8>>()) {
            (0, _): parse_inner;
            (GTPU_EXTENSION_PDU_SESSION_CONTAINER, 1): parse_psc;
            (GTPU_EXTENSION_PDU_SESSION_CONTAINER, 2 &&& 0xfe): parse_long_psc;
            (GTPU_EXTENSION_PDU_SESSION_CONTAINER, 4 &&& 0xfc): parse_long_psc;
            (GTPU_EXTENSION_PDU_SESSION_CONTAINER, 8 &&& 0xf8): parse_long_psc;
            (GTPU_EXTENSION_PDU_SESSION_CONTAINER, 16 &&& 0xfe): parse_long_psc;
            (0x00 &&& 0x80, 1): parse_after_1;
            (0x00 &&& 0x80, 2): parse_after_2;
            default: unknown_extension;
        }
    }

    @likely state parse_psc {
        packet.extract(hdr.psc);
        md.qfi = hdr.psc.qfi;
        md.psc_units = 1;
        transition select(hdr.psc.next_extension, packet.lookahead<bit<8>>()) {
            (0, _): parse_inner;
            (0x00 &&& 0x80, 1): parse_after_1;
            (0x00 &&& 0x80, 2): parse_after_2;
            default: unknown_extension;
        }
    }

    // Between the first unit and the last stand up to 15 more: eight, four, two and one of them.
    state parse_long_psc {
        packet.extract(hdr.psc_start);
        md.qfi = hdr.psc_start.qfi;
        md.psc_units = hdr.psc_start.length;
        transition select(hdr.psc_start.length) {
            2: parse_psc_end;
            3: parse_psc_1;
            4: parse_psc_2;
            5: parse_psc_3;
            6: parse_psc_4;
            7: parse_psc_5;
            8: parse_psc_6;
            9: parse_psc_7;
            10: parse_psc_8;
            11: parse_psc_9;
            12: parse_psc_10;
            13: parse_psc_11;
            14: parse_psc_12;
            15: parse_psc_13;
            16: parse_psc_14;
            default: parse_psc_15;
        }
    }

    state parse_psc_15 {
        packet.extract(hdr.psc_8);
        transition parse_psc_7;
    }

    state parse_psc_14 {
        packet.extract(hdr.psc_8);
        transition parse_psc_6;
    }

    state parse_psc_13 {
        packet.extract(hdr.psc_8);
        transition parse_psc_5;
    }

    state parse_psc_12 {
        packet.extract(hdr.psc_8);
        transition parse_psc_4;
    }

    state parse_psc_11 {
        packet.extract(hdr.psc_8);
        transition parse_psc_3;
    }

    state parse_psc_10 {
        packet.extract(hdr.psc_8);
        transition parse_psc_2;
    }

    state parse_psc_9 {
        packet.extract(hdr.psc_8);
        transition parse_psc_1;
    }

    state parse_psc_8 {
        packet.extract(hdr.psc_8);
        transition parse_psc_end;
    }

    state parse_psc_7 {
        packet.extract(hdr.psc_4);
        transition parse_psc_3;
    }

    state parse_psc_6 {
        packet.extract(hdr.psc_4);
        transition parse_psc_2;
    }

    state parse_psc_5 {
        packet.extract(hdr.psc_4);
        transition parse_psc_1;
    }

    state parse_psc_4 {
        packet.extract(hdr.psc_4);
        transition parse_psc_end;
    }

    state parse_psc_3 {
        packet.extract(hdr.psc_2);
        transition parse_psc_1;
    }

    state parse_psc_2 {
        packet.extract(hdr.psc_2);
        transition parse_psc_end;
    }

    state parse_psc_1 {
        packet.extract(hdr.psc_1);
        transition parse_psc_end;
    }

    state parse_psc_end {
        packet.extract(hdr.psc_end);
        transition select(hdr.psc_end.next_extension, packet.lookahead<bit<8>>()) {
            (0, _): parse_inner;
            (0x00 &&& 0x80, 1): parse_after_1;
            (0x00 &&& 0x80, 2): parse_after_2;
            default: unknown_extension;
        }
    }

    state parse_after_1 {
        md.after_units = 1;
        transition parse_after_end;
    }

    state parse_after_2 {
        md.after_units = 2;
        packet.extract(hdr.after_1);
        transition parse_after_end;
    }

    state parse_after_end {
        packet.extract(hdr.after_end);
        transition select(hdr.after_end.next_extension) {
            0: parse_inner;
            default: unknown_extension;
        }
    }

    state unknown_extension {
        md.is_unknown_extension = 1;
        transition accept;
    }

    state malformed {
        md.is_malformed = 1;
        transition accept;
    }

    @likely state parse_inner {
        transition select(
                packet.lookahead<bit<32>>()[31:24], packet.lookahead<bit<32>>()[15:0]) {
            (0x45, 0x0000 &&& 0xfff0): malformed;
            (0x45, 0x0010 &&& 0xfffc): malformed;
            (0x45, _): parse_inner_ipv4;
            (0x40 &&& 0xf0, 0x0000 &&& 0xfff0): malformed;
            (0x40 &&& 0xf0, 0x0010 &&& 0xfff8): malformed;
            (0x46, _): parse_inner_ipv4;
            (0x40 &&& 0xf0, 0x0018 &&& 0xfffc): malformed;
            (0x47, _): parse_inner_ipv4;
            (0x40 &&& 0xf0, 0x001c &&& 0xfffc): malformed;
            (0x48, _): parse_inner_ipv4;
            (0x40 &&& 0xf0, 0x0020 &&& 0xfffc): malformed;
            (0x49, _): parse_inner_ipv4;
            (0x40 &&& 0xf0, 0x0024 &&& 0xfffc): malformed;
            (0x4a, _): parse_inner_ipv4;
            (0x40 &&& 0xf0, 0x0028 &&& 0xfffc): malformed;
            (0x4b, _): parse_inner_ipv4;
            (0x40 &&& 0xf0, 0x002c &&& 0xfffc): malformed;
            (0x4c, _): parse_inner_ipv4;
            (0x40 &&& 0xf0, 0x0030 &&& 0xfffc): malformed;
            (0x4d, _): parse_inner_ipv4;
            (0x40 &&& 0xf0, 0x0034 &&& 0xfffc): malformed;
            (0x4e, _): parse_inner_ipv4;
            (0x40 &&& 0xf0, 0x0038 &&& 0xfffc): malformed;
            (0x4f, _): parse_inner_ipv4;
            (0x40 &&& 0xf0, _): malformed;
            (0x60 &&& 0xf0, _): parse_inner_ipv6;
            default: accept;
        }
    }

    @likely state parse_inner_ipv4 {
        packet.extract(hdr.inner_ipv4);
        transition select(
                hdr.inner_ipv4.ihl, hdr.inner_ipv4.frag_offset, hdr.inner_ipv4.protocol) {
            (5, 0, PROTOCOL_UDP): parse_inner_l4;
            (5, 0, PROTOCOL_TCP): parse_inner_l4;
            (5, 0, PROTOCOL_SCTP): parse_inner_l4;
            (5, 0, PROTOCOL_ESP): parse_inner_l4;
            default: accept;
        }
    }

    state parse_inner_ipv6 {
        packet.extract(hdr.inner_ipv6);
        transition select(hdr.inner_ipv6.next_header) {
            PROTOCOL_UDP: parse_inner_l4;
            PROTOCOL_TCP: parse_inner_l4;
            PROTOCOL_SCTP: parse_inner_l4;
            PROTOCOL_ESP: parse_inner_l4;
            default: accept;
        }
    }

    @likely state parse_inner_l4 {
        packet.extract(hdr.inner_l4);
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
        packet.emit(hdr.vlan);
        packet.emit(hdr.ipv4);
        packet.emit(hdr.ipv6);
        packet.emit(hdr.l4);
        packet.emit(hdr.udp);
        packet.emit(hdr.gtpu);
        packet.emit(hdr.gtpu_options);
        packet.emit(hdr.before_1);
        packet.emit(hdr.before_end);
        packet.emit(hdr.psc);
        packet.emit(hdr.psc_start);
        packet.emit(hdr.psc_8);
        packet.emit(hdr.psc_4);
        packet.emit(hdr.psc_2);
        packet.emit(hdr.psc_1);
        packet.emit(hdr.psc_end);
        packet.emit(hdr.after_1);
        packet.emit(hdr.after_end);
        packet.emit(hdr.inner_ipv4);
        packet.emit(hdr.inner_ipv6);
        packet.emit(hdr.inner_l4);
    }
}

#endif
