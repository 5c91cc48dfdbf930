// Outer header creation (TS 29.244 clause 8.2.56) and what is marked on it.

#ifndef ENCAPSULATION_P4
#define ENCAPSULATION_P4

// What depends on the peer alone; peer 0 is none. Applied before the packet's fate is known, so that
// the table may stand in an early stage.
control TunnelHeaders(
        inout egress_headers_t hdr,
        inout egress_metadata_t md) {

    action add_ipv4(
            ipv4_addr_t src_addr,
            ipv4_addr_t dst_addr,
            bit<16> dst_port,
            bit<1> is_gtpu,
            dscp_t outer_dscp) {
        hdr.outer_ipv4.setValid();
        hdr.outer_ipv4.version = 4;
        hdr.outer_ipv4.ihl = 5;
        hdr.outer_ipv4.dscp = outer_dscp;
        hdr.outer_ipv4.ecn = 0;
        hdr.outer_ipv4.identification = 0;
        hdr.outer_ipv4.flags = 0;
        hdr.outer_ipv4.frag_offset = 0;
        hdr.outer_ipv4.ttl = 64;
        hdr.outer_ipv4.protocol = PROTOCOL_UDP;
        hdr.outer_ipv4.src_addr = src_addr;
        hdr.outer_ipv4.dst_addr = dst_addr;
        md.outer_dst_port = dst_port;
        md.is_gtpu = is_gtpu;
    }

    action add_ipv6(
            ipv6_addr_t src_addr,
            ipv6_addr_t dst_addr,
            bit<16> dst_port,
            bit<1> is_gtpu,
            dscp_t outer_dscp) {
        hdr.outer_ipv6.setValid();
        hdr.outer_ipv6.version = 6;
        hdr.outer_ipv6.dscp = outer_dscp;
        hdr.outer_ipv6.ecn = 0;
        hdr.outer_ipv6.flow_label = 0;
        hdr.outer_ipv6.hop_limit = 64;
        hdr.outer_ipv6.next_header = PROTOCOL_UDP;
        hdr.outer_ipv6.src_addr = src_addr;
        hdr.outer_ipv6.dst_addr = dst_addr;
        md.outer_dst_port = dst_port;
        md.is_gtpu = is_gtpu;
    }

    // Outer headers of IP alone.
    action add_ipv4_alone(
            ipv4_addr_t src_addr, ipv4_addr_t dst_addr, dscp_t outer_dscp) {
        add_ipv4(src_addr, dst_addr, 0, 0, outer_dscp);
        md.is_ip_alone = 1;
    }

    action add_ipv6_alone(
            ipv6_addr_t src_addr, ipv6_addr_t dst_addr, dscp_t outer_dscp) {
        add_ipv6(src_addr, dst_addr, 0, 0, outer_dscp);
        md.is_ip_alone = 1;
    }

    table tunnel_headers {
        key = {
            hdr.bridged.tunnel_peer_id : exact @name("tunnel_peer_id");
        }
        actions = {
            @likely add_ipv4;
            add_ipv6;
            add_ipv4_alone;
            add_ipv6_alone;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_TUNNEL_PEERS;
    }

    apply {
        tunnel_headers.apply();
    }
}

control Encapsulation(
        inout egress_headers_t hdr,
        inout egress_metadata_t md) {

    // length: of what stands between the UDP header and the user's packet.
    action add_udp(bit<16> length) {
        hdr.outer_udp.setValid();
        hdr.outer_udp.src_port = hdr.bridged.entropy;
        hdr.outer_udp.dst_port = md.outer_dst_port;
        hdr.outer_udp.length = md.user_length + (length + 8);
        // Zero is allowed for tunnels over IPv6 too (RFC 6935).
        hdr.outer_udp.checksum = 0;
    }

    action add_gtpu(bit<16> length) {
        add_udp(length + 8);
        hdr.outer_gtpu.setValid();
        hdr.outer_gtpu.version = 1;
        hdr.outer_gtpu.protocol_type = 1;
        hdr.outer_gtpu.spare = 0;
        hdr.outer_gtpu.sequence_flag = 0;
        hdr.outer_gtpu.npdu_flag = 0;
        hdr.outer_gtpu.message_type = GTPU_MESSAGE_G_PDU;
        hdr.outer_gtpu.length = md.user_length + length;
        hdr.outer_gtpu.teid = hdr.bridged.teid;
    }

    action add_bare_gtpu() {
        add_gtpu(0);
        hdr.outer_gtpu.extension_flag = 0;
    }

    action add_gtpu_and_psc(bit<16> length, bit<8> units, bit<4> pdu_type) {
        add_gtpu(length);
        hdr.outer_gtpu.extension_flag = 1;
        hdr.outer_gtpu_options.setValid();
        hdr.outer_gtpu_options.sequence_number = 0;
        hdr.outer_gtpu_options.npdu_number = 0;
        hdr.outer_gtpu_options.next_extension = GTPU_EXTENSION_PDU_SESSION_CONTAINER;
        hdr.outer_psc.setValid();
        hdr.outer_psc.length = units;
        hdr.outer_psc.pdu_type = pdu_type;
        hdr.outer_psc.spare = 0;
        hdr.outer_psc.paging_policy_presence = hdr.bridged.is_ppi_present;
        hdr.outer_psc.reflective_qos = hdr.bridged.reflective_qos;
        hdr.outer_psc.qfi = hdr.bridged.qfi;
    }

    action add_psc(bit<4> pdu_type) {
        add_gtpu_and_psc(8, 1, pdu_type);
        hdr.outer_psc.next_extension = 0;
    }

    // Towards an access network alone (TS 38.415 clause 5.5.2.1): the octet behind the QFI is the
    // indicator's, and three of padding follow.
    action add_psc_with_ppi() {
        add_gtpu_and_psc(12, 2, 0);
        hdr.outer_psc.next_extension = hdr.bridged.ppi;
        hdr.outer_psc_end.setValid();
        hdr.outer_psc_end.content = 0;
        hdr.outer_psc_end.next_extension = 0;
    }

    action end_ipv4(bit<16> length) {
        hdr.outer_ipv4.total_len = md.user_length + length;
        hdr.ethernet.ether_type = ETHERTYPE_IPV4;
    }

    action end_ipv6(bit<16> length) {
        hdr.outer_ipv6.payload_len = md.user_length + length;
        hdr.ethernet.ether_type = ETHERTYPE_IPV6;
    }

    action end_ipv4_alone(bit<8> protocol) {
        hdr.outer_ipv4.protocol = protocol;
        end_ipv4(20);
    }

    action end_ipv6_alone(bit<8> protocol) {
        hdr.outer_ipv6.next_header = protocol;
        end_ipv6(0);
    }

    action ipv4_in_ipv4() { end_ipv4_alone(PROTOCOL_IPV4); }
    action ipv6_in_ipv4() { end_ipv4_alone(PROTOCOL_IPV6); }
    action ipv4_in_ipv6() { end_ipv6_alone(PROTOCOL_IPV4); }
    action ipv6_in_ipv6() { end_ipv6_alone(PROTOCOL_IPV6); }
    action udp_ipv4() { add_udp(0); end_ipv4(28); }
    action udp_ipv6() { add_udp(0); end_ipv6(8); }
    action gtpu_ipv4() { add_bare_gtpu(); end_ipv4(36); }
    action gtpu_ipv6() { add_bare_gtpu(); end_ipv6(16); }
    action gtpu_downlink_psc_ipv4() { add_psc(0); end_ipv4(44); }
    action gtpu_downlink_psc_ipv6() { add_psc(0); end_ipv6(24); }
    action gtpu_uplink_psc_ipv4() { add_psc(1); end_ipv4(44); }
    action gtpu_uplink_psc_ipv6() { add_psc(1); end_ipv6(24); }
    action gtpu_ppi_ipv4() { add_psc_with_ppi(); end_ipv4(48); }
    action gtpu_ppi_ipv6() { add_psc_with_ppi(); end_ipv6(28); }

    // QFI 0 asks for no PDU session container.
    table encapsulations {
        key = {
            hdr.outer_ipv4.isValid()  : ternary @name("outer_ipv4");
            hdr.outer_ipv6.isValid()  : ternary @name("outer_ipv6");
            hdr.ipv4.isValid()        : ternary @name("ipv4");
            md.is_ip_alone            : ternary @name("is_ip_alone");
            md.is_gtpu                : ternary @name("is_gtpu");
            hdr.bridged.qfi           : ternary @name("qfi");
            hdr.bridged.is_downlink   : ternary @name("is_downlink");
            hdr.bridged.is_ppi_present : ternary @name("is_ppi_present");
        }
        actions = {
            ipv4_in_ipv4;
            ipv6_in_ipv4;
            ipv4_in_ipv6;
            ipv6_in_ipv6;
            udp_ipv4;
            udp_ipv6;
            gtpu_ipv4;
            gtpu_ipv6;
            @likely gtpu_downlink_psc_ipv4;
            gtpu_downlink_psc_ipv6;
            gtpu_uplink_psc_ipv4;
            gtpu_uplink_psc_ipv6;
            gtpu_ppi_ipv4;
            gtpu_ppi_ipv6;
            @likely @defaultonly NoAction;
        }
        const entries = {
            (true, _, true, 1, _, _, _, _)  : ipv4_in_ipv4();
            (true, _, false, 1, _, _, _, _) : ipv6_in_ipv4();
            (_, true, true, 1, _, _, _, _)  : ipv4_in_ipv6();
            (_, true, false, 1, _, _, _, _) : ipv6_in_ipv6();
            (true, _, _, _, 0, _, _, _)     : udp_ipv4();
            (_, true, _, _, 0, _, _, _)     : udp_ipv6();
            (true, _, _, _, _, 0, _, _)     : gtpu_ipv4();
            (_, true, _, _, _, 0, _, _)     : gtpu_ipv6();
            (true, _, _, _, _, _, 1, 1)     : gtpu_ppi_ipv4();
            (_, true, _, _, _, _, 1, 1)     : gtpu_ppi_ipv6();
            (true, _, _, _, _, _, 1, _)     : gtpu_downlink_psc_ipv4();
            (_, true, _, _, _, _, 1, _)     : gtpu_downlink_psc_ipv6();
            (true, _, _, _, _, _, 0, _)     : gtpu_uplink_psc_ipv4();
            (_, true, _, _, _, _, 0, _)     : gtpu_uplink_psc_ipv6();
        }
        const default_action = NoAction();
        size = 14;
    }

    action set_dscp(dscp_t outer_dscp) {
        hdr.outer_ipv4.dscp = outer_dscp;
        hdr.outer_ipv6.dscp = outer_dscp;
    }

    // Transport level marking by the slice's traffic class, and by whether the slice is over what it
    // is granted.
    table markings {
        key = {
            hdr.bridged.slice_id      : exact @name("slice_id");
            hdr.bridged.traffic_class : exact @name("traffic_class");
            md.slice_color            : exact @name("color");
        }
        actions = {
            set_dscp;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_MARKINGS;
    }

    apply {
        encapsulations.apply();
        markings.apply();
    }
}

#endif
