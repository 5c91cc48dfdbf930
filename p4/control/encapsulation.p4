// Outer header creation: GTP-U/UDP/IPv4, with a PDU session container where the FAR's QFI asks for one.

#ifndef ENCAPSULATION_P4
#define ENCAPSULATION_P4

control Encapsulation(inout egress_headers_t hdr) {

    action add_outer_headers(bit<16> overhead) {
        hdr.outer_ipv4.setValid();
        hdr.outer_ipv4.version = 4;
        hdr.outer_ipv4.ihl = 5;
        hdr.outer_ipv4.dscp = 0;
        hdr.outer_ipv4.ecn = 0;
        hdr.outer_ipv4.total_len = hdr.ipv4.total_len + overhead;
        hdr.outer_ipv4.identification = 0;
        hdr.outer_ipv4.flags = 0;
        hdr.outer_ipv4.frag_offset = 0;
        hdr.outer_ipv4.ttl = 64;
        hdr.outer_ipv4.protocol = PROTOCOL_UDP;
        hdr.outer_ipv4.src_addr = hdr.bridged.tunnel_src;
        hdr.outer_ipv4.dst_addr = hdr.bridged.tunnel_dst;

        hdr.outer_udp.setValid();
        hdr.outer_udp.src_port = UDP_PORT_GTPU;
        hdr.outer_udp.dst_port = UDP_PORT_GTPU;
        hdr.outer_udp.length = hdr.ipv4.total_len + (overhead - 20);
        hdr.outer_udp.checksum = 0;

        hdr.outer_gtpu.setValid();
        hdr.outer_gtpu.version = 1;
        hdr.outer_gtpu.protocol_type = 1;
        hdr.outer_gtpu.spare = 0;
        hdr.outer_gtpu.sequence_flag = 0;
        hdr.outer_gtpu.npdu_flag = 0;
        hdr.outer_gtpu.message_type = GTPU_MESSAGE_G_PDU;
        hdr.outer_gtpu.length = hdr.ipv4.total_len + (overhead - 36);
        hdr.outer_gtpu.teid = hdr.bridged.teid;
    }

    action add_psc() {
        add_outer_headers(44);
        hdr.outer_gtpu.extension_flag = 1;
        hdr.outer_gtpu_options.setValid();
        hdr.outer_gtpu_options.sequence_number = 0;
        hdr.outer_gtpu_options.npdu_number = 0;
        hdr.outer_gtpu_options.next_extension = GTPU_EXTENSION_PDU_SESSION_CONTAINER;
        hdr.outer_psc.setValid();
        hdr.outer_psc.length = 1;
        hdr.outer_psc.spare = 0;
        hdr.outer_psc.paging_policy_presence = 0;
        hdr.outer_psc.reflective_qos = 0;
        hdr.outer_psc.qfi = hdr.bridged.qfi;
        hdr.outer_psc.next_extension = 0;
    }

    action add_gtpu() {
        add_outer_headers(36);
        hdr.outer_gtpu.extension_flag = 0;
    }

    action add_gtpu_with_downlink_psc() {
        add_psc();
        hdr.outer_psc.pdu_type = 0;
    }

    action add_gtpu_with_uplink_psc() {
        add_psc();
        hdr.outer_psc.pdu_type = 1;
    }

    apply {
        if (hdr.bridged.psc == PSC_NONE) {
            add_gtpu();
        } else if (hdr.bridged.psc == PSC_DOWNLINK) {
            add_gtpu_with_downlink_psc();
        } else {
            add_gtpu_with_uplink_psc();
        }
    }
}

#endif
