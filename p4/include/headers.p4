// What can stand in a packet, and the state that travels with it.

#ifndef HEADERS_P4
#define HEADERS_P4

#include "types.p4"

header ethernet_t {
    mac_addr_t dst_addr;
    mac_addr_t src_addr;
    bit<16> ether_type;
}

header vlan_t {
    bit<3> priority;
    bit<1> drop_eligible;
    vlan_id_t vlan_id;
    bit<16> ether_type;
}

header ipv4_t {
    bit<4> version;
    bit<4> ihl;
    dscp_t dscp;
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

header ipv6_t {
    bit<4> version;
    dscp_t dscp;
    bit<2> ecn;
    bit<20> flow_label;
    bit<16> payload_len;
    bit<8> next_header;
    bit<8> hop_limit;
    ipv6_addr_t src_addr;
    ipv6_addr_t dst_addr;
}

header udp_t {
    bit<16> src_port;
    bit<16> dst_port;
    bit<16> length;
    bit<16> checksum;
}

// The first four octets of what an IP packet carries: two ports, or ESP's SPI.
header l4_t {
    bit<16> src_port;
    bit<16> dst_port;
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

// PDU session container (TS 38.415 clause 5.5.2): its first unit of four octets.
header pdu_session_container_t {
    bit<8> length;
    bit<4> pdu_type;
    bit<4> spare;
    bit<1> paging_policy_presence;
    bit<1> reflective_qos;
    qfi_t qfi;
    bit<8> next_extension;
}

// A longer container's first unit is all content; the next extension's type ends the last.
header pdu_session_container_start_t {
    bit<8> length;
    bit<4> pdu_type;
    bit<4> spare;
    bit<1> paging_policy_presence;
    bit<1> reflective_qos;
    qfi_t qfi;
    bit<8> content;
}

header gtpu_extension_unit_t {
    bit<24> content;
    bit<8> next_extension;
}

// What stands before an extension header's last unit: so many units of four octets.
header gtpu_extension_1_t {
    bit<32> content;
}

header gtpu_extension_2_t {
    bit<64> content;
}

header gtpu_extension_4_t {
    bit<128> content;
}

header gtpu_extension_8_t {
    bit<256> content;
}

@controller_header("packet_in")
header packet_in_t {
    PortId_t ingress_port;
    @padding bit<7> _pad0;
    PortId_t egress_port;  // of PUNT_NEIGHBOUR: where the packet waits to go
    @padding bit<7> _pad1;
    @padding bit<2> _pad2;
    usage_id_t usage_id;   // of PUNT_BUFFER and PUNT_NOTIFY: whose packet it is
    punt_reason_t reason;
}

@controller_header("packet_out")
header packet_out_t {
    bit<1> is_arrival;     // as if it had arrived on the port; else it leaves by it
    @padding bit<6> _pad0;
    PortId_t port;
}

// What ingress decided and egress carries out.
header bridged_t {
    punt_reason_t punt_reason;
    @padding bit<3> _pad0;
    bit<1> is_tunnelled;        // it came in a tunnel
    bit<1> is_guaranteed;
    bit<1> is_unroutable;
    bit<1> is_encapsulated;
    bit<1> is_user;
    // From here to teid: as what the session tables write, so that it fills whole containers and
    // an entry's action data stays within 88 bits.
    bit<1> is_source_checked;
    bit<1> is_session_metered;
    usage_id_t usage_id;
    bit<1> is_ppi_present;      // this octet as in pdu_session_container_t
    bit<1> reflective_qos;
    qfi_t qfi;
    slice_id_t slice_id;
    traffic_class_t traffic_class;
    tunnel_peer_id_t tunnel_peer_id;
    teid_t teid;
    @padding bit<4> _pad1;
    meter_id_t session_meter_id;
    @padding bit<4> _pad2;
    meter_id_t flow_meter_id;
    quota_id_t quota_id;
    bit<8> ppi;                 // with the spare bits behind it
    bit<1> is_downlink;
    @padding bit<6> _pad3;
    PortId_t ingress_port;
    @padding bit<7> _pad4;
    PortId_t egress_port;
    @padding bit<4> _pad5;
    vlan_id_t vlan_id;
    bit<16> entropy;
}

// Of a packet's copy that egress makes for the controller: bridged_t's own bits.
header notice_t {
    punt_reason_t punt_reason;
    bit<1> is_source_checked;
    bit<1> is_session_metered;
    usage_id_t usage_id;
}

// Octets of bridged_t, which egress does not count; and octets before the user's packet when it is
// metered and counted: ethernet_t too.
const bit<32> OCTETS_BRIDGED = 30;
const bit<32> OCTETS_BEFORE_USER_PACKET = OCTETS_BRIDGED + 14;

struct ingress_headers_t {
    packet_out_t packet_out;
    bridged_t bridged;
    ethernet_t ethernet;
    vlan_t vlan;
    ipv4_t ipv4;
    ipv6_t ipv6;
    l4_t l4;
    udp_t udp;
    gtpu_t gtpu;
    gtpu_options_t gtpu_options;
    gtpu_extension_1_t before_1;
    gtpu_extension_unit_t before_end;
    pdu_session_container_t psc;
    pdu_session_container_start_t psc_start;
    gtpu_extension_8_t psc_8;
    gtpu_extension_4_t psc_4;
    gtpu_extension_2_t psc_2;
    gtpu_extension_1_t psc_1;
    gtpu_extension_unit_t psc_end;
    gtpu_extension_1_t after_1;
    gtpu_extension_unit_t after_end;
    ipv4_t inner_ipv4;
    ipv6_t inner_ipv6;
    l4_t inner_l4;
}

struct ingress_metadata_t {
    PortId_t ingress_port;
    vlan_id_t vlan_id;
    network_instance_t network_instance;
    bit<1> is_core;
    bit<1> is_for_us;
    PortId_t host_port;
    mac_addr_t own_mac;
    endpoint_id_t endpoint_id;
    bit<1> is_unknown_extension;
    bit<8> option_units;       // between GTP-U's first eight octets and the user's packet: of the
    bit<8> before_units;       // options, of the extension headers before, in and behind the PDU
    bit<8> psc_units;          // session container, in units of four octets
    bit<8> after_units;
    bit<1> is_malformed;       // an IP header that is none
    bit<1> is_tunnelled;       // the user's packet stands behind a GTP-U header to this UPF
    bit<1> is_port_known;
    bit<1> is_spoofed;
    bit<1> is_admitted;
    drop_reason_t refusal;     // found without the session
    punt_reason_t early_punt;  // likewise
    bit<1> is_ttl_expired;
    bit<1> is_routed;
    drop_reason_t drop_reason;
    punt_reason_t punt_reason;
    rules_id_t rules_id;
    classified_id_t classified_id;
    filter_slot_t filter_slot;
    ipv4_addr_t ue_ipv4;
    network_instance_t route_instance;
    ipv4_addr_t src_ipv4;
    ipv4_addr_t dst_ipv4;
    ipv6_addr_t src_ipv6;
    ipv6_addr_t dst_ipv6;
    bit<20> flow_label;
    bit<8> protocol;
    bit<8> traffic_class_octet;
    bit<16> src_port;
    bit<16> dst_port;
    qfi_t qfi;
    bit<8> ttl;
    bit<16> user_length;
    bit<16> length_difference;
    bit<1> is_length_right;
    bit<16> length_sum;
    bit<16> ether_type;
    next_hop_group_id_t next_hop_group_id;
    bucket_t bucket;
}

struct egress_headers_t {
    packet_in_t packet_in;
    notice_t notice;
    bridged_t bridged;
    ethernet_t ethernet;
    vlan_t vlan;
    ipv4_t outer_ipv4;
    ipv6_t outer_ipv6;
    udp_t outer_udp;
    gtpu_t outer_gtpu;
    gtpu_options_t outer_gtpu_options;
    pdu_session_container_t outer_psc;
    gtpu_extension_unit_t outer_psc_end;
    ipv4_t ipv4;
    ipv6_t ipv6;
}

struct quota_t {
    bit<32> remaining;
    bit<32> told;
}

struct egress_metadata_t {
    drop_reason_t drop_reason;
    bit<16> user_length;
    bit<16> announced_length;  // what the frame would be if it were as long as its IP packet says
    bit<16> missing_octets;
    bit<8> flow_color;
    bit<8> session_color;
    bit<8> slice_color;
    bit<8> quota_state;
    MirrorId_t mirror_session;
    bit<16> outer_dst_port;
    bit<1> is_gtpu;
    bit<1> is_ip_alone;        // a tunnel without UDP
}

#endif
