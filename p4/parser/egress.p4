// From ingress's decisions to headers, and on to the wire.

#ifndef EGRESS_PARSER_P4
#define EGRESS_PARSER_P4

parser EgressParser(
        packet_in packet,
        out egress_headers_t hdr,
        out egress_metadata_t md,
        out egress_intrinsic_metadata_t eg_intr_md) {

    state start {
        packet.extract(eg_intr_md);
        transition select(packet.lookahead<punt_reason_t>()) {
            PUNT_QUOTA_EXHAUSTED: parse_notice;
            default: parse_bridged;
        }
    }

    // A copy made in egress: ingress shows nothing for this reason.
    state parse_notice {
        packet.extract(hdr.notice);
        transition accept;
    }

    state parse_bridged {
        packet.extract(hdr.bridged);
        packet.extract(hdr.ethernet);
        transition select(hdr.ethernet.ether_type) {
            ETHERTYPE_IPV4: parse_ipv4;
            ETHERTYPE_IPV6: parse_ipv6;
            default: accept;
        }
    }

    state parse_ipv4 {
        packet.extract(hdr.ipv4);
        transition accept;
    }

    state parse_ipv6 {
        packet.extract(hdr.ipv6);
        transition accept;
    }
}

control EgressDeparser(
        packet_out packet,
        inout egress_headers_t hdr,
        in egress_metadata_t md,
        in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {

    Checksum() outer_ipv4_checksum;
    Mirror() mirror;

    apply {
        if (eg_dprsr_md.mirror_type == MIRROR_TYPE_NOTICE) {
            mirror.emit<notice_t>(md.mirror_session, {
                hdr.bridged.punt_reason,
                hdr.bridged.is_source_checked,
                hdr.bridged.is_session_metered,
                hdr.bridged.usage_id
            });
        }
        if (hdr.outer_ipv4.isValid()) {
            hdr.outer_ipv4.checksum = outer_ipv4_checksum.update({
                hdr.outer_ipv4.version,
                hdr.outer_ipv4.ihl,
                hdr.outer_ipv4.dscp,
                hdr.outer_ipv4.ecn,
                hdr.outer_ipv4.total_len,
                hdr.outer_ipv4.identification,
                hdr.outer_ipv4.flags,
                hdr.outer_ipv4.frag_offset,
                hdr.outer_ipv4.ttl,
                hdr.outer_ipv4.protocol,
                hdr.outer_ipv4.src_addr,
                hdr.outer_ipv4.dst_addr
            });
        }
        packet.emit(hdr.packet_in);
        packet.emit(hdr.ethernet);
        packet.emit(hdr.vlan);
        packet.emit(hdr.outer_ipv4);
        packet.emit(hdr.outer_ipv6);
        packet.emit(hdr.outer_udp);
        packet.emit(hdr.outer_gtpu);
        packet.emit(hdr.outer_gtpu_options);
        packet.emit(hdr.outer_psc);
        packet.emit(hdr.outer_psc_end);
        packet.emit(hdr.ipv4);
        packet.emit(hdr.ipv6);
    }
}

#endif
