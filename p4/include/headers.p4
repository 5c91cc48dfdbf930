// What can stand in a packet, and the state that travels with it.

#ifndef HEADERS_P4
#define HEADERS_P4

#include "types.p4"

header ethernet_t {
    mac_addr_t dst_addr;
    mac_addr_t src_addr;
    bit<16> ether_type;
}

header ipv4_t {
    bit<4> version;
    bit<4> ihl;
    bit<6> dscp;
    bit<2> ecn;
    bit<16> total_len;
    bit<16> identification;
    bit<3> flags;
    bit<13> frag_offset;
    bit<8> ttl;
    bit<8> protocol;
    bit<16> checksum;
    ipv4_addr_t src_addr;
    ipv4_addr_t dst_addr;
}

header udp_t {
    bit<16> src_port;
    bit<16> dst_port;
    bit<16> length;
    bit<16> checksum;
}

// TS 29.281 clause 5.1
header gtpu_t {
    bit<3> version;
    bit<1> protocol_type;
    bit<1> spare;
    bit<1> extension_flag;
    bit<1> sequence_flag;
    bit<1> npdu_flag;
    bit<8> message_type;
    bit<16> length;
    teid_t teid;
}

// Present when any of the three flags is set.
header gtpu_options_t {
    bit<16> sequence_number;
    bit<8> npdu_number;
    bit<8> next_extension;
}

// PDU session container of one unit of four octets (TS 38.415 clause 5.5.2).
header pdu_session_container_t {
    bit<8> length;
    bit<4> pdu_type;
    bit<4> spare;
    bit<1> paging_policy_presence;
    bit<1> reflective_qos;
    qfi_t qfi;
    bit<8> next_extension;
}

@controller_header("packet_in")
header packet_in_t {
    PortId_t ingress_port;
    @padding bit<7> _pad0;
    PortId_t egress_port;  // of PUNT_NEIGHBOUR: where the packet waits to go
    @padding bit<7> _pad1;
    punt_reason_t reason;
}

@controller_header("packet_out")
header packet_out_t {
    PortId_t egress_port;
    @padding bit<7> _pad0;
}

// What ingress decided and egress carries out.
header bridged_t {
    punt_reason_t punt_reason;
    bit<1> is_user;
    bit<1> is_tunnelled;
    psc_t psc;
    @padding bit<4> _pad0;
    @padding bit<2> _pad1;
    qfi_t qfi;
    usage_id_t usage_id;
    @padding bit<7> _pad2;
    slice_meter_id_t slice_meter_id;
    @padding bit<7> _pad3;
    PortId_t ingress_port;
    @padding bit<7> _pad4;
    PortId_t egress_port;
    teid_t teid;
    ipv4_addr_t tunnel_src;
    ipv4_addr_t tunnel_dst;
}

// Octets before the user's packet when egress meters and counts it: bridged_t and ethernet_t.
const bit<32> OCTETS_BEFORE_USER_PACKET = 24 + 14;

struct ingress_headers_t {
    packet_out_t packet_out;
    bridged_t bridged;
    ethernet_t ethernet;
    ipv4_t ipv4;
    udp_t udp;
    gtpu_t gtpu;
    gtpu_options_t gtpu_options;
    pdu_session_container_t psc;
    ipv4_t inner_ipv4;
}

struct ingress_metadata_t {
    network_instance_t network_instance;
    bit<1> is_core;
    PortId_t host_port;
    endpoint_id_t endpoint_id;
    drop_reason_t drop_reason;
    punt_reason_t punt_reason;
    bit<1> is_forwarded;
    bit<1> is_tunnelled;
    bit<1> is_source_checked;
    ipv4_addr_t ue_ipv4;
    psc_t psc;
    qfi_t qfi;
    usage_id_t usage_id;
    slice_meter_id_t slice_meter_id;
    teid_t teid;
    tunnel_peer_id_t tunnel_peer_id;
    ipv4_addr_t tunnel_src;
    ipv4_addr_t tunnel_dst;
    network_instance_t route_instance;
    ipv4_addr_t route_dst;
    next_hop_id_t next_hop_id;
    PortId_t egress_port;
}

struct egress_headers_t {
    packet_in_t packet_in;
    bridged_t bridged;
    ethernet_t ethernet;
    ipv4_t outer_ipv4;
    udp_t outer_udp;
    gtpu_t outer_gtpu;
    gtpu_options_t outer_gtpu_options;
    pdu_session_container_t outer_psc;
    ipv4_t ipv4;
}

struct egress_metadata_t {
    drop_reason_t drop_reason;
    bit<8> slice_color;
}

#endif
