// Types and constants that more than one file of the pipeline speaks of.

#ifndef TYPES_P4
#define TYPES_P4

typedef bit<48> mac_addr_t;
typedef bit<32> ipv4_addr_t;
typedef bit<128> ipv6_addr_t;

typedef bit<12> vlan_id_t;           // 0 is untagged
typedef bit<8> network_instance_t;
typedef bit<8> endpoint_id_t;        // 0 is none
typedef bit<12> tunnel_peer_id_t;    // 0 is none
typedef bit<16> next_hop_group_id_t;
typedef bit<4> bucket_t;             // of a next-hop group: where a flow's hash falls
typedef bit<32> teid_t;
typedef bit<6> qfi_t;
typedef bit<6> dscp_t;

typedef bit<16> rules_id_t;          // a list of SDF filters that sessions share
typedef bit<20> classified_id_t;     // one direction of a classified session
typedef bit<8> filter_slot_t;        // 0 is no filter

typedef bit<22> usage_id_t;          // of a PDR: its low four bits tell the bank of its counter
typedef bit<18> usage_index_t;       // the rest tell the cell
typedef bit<20> meter_id_t;          // 0 is not metered
typedef bit<16> quota_id_t;          // 0 is no quota
typedef bit<8> slice_id_t;
typedef bit<9> slice_meter_id_t;     // slice, then 0 for uplink or 1 for downlink
typedef bit<4> traffic_class_t;      // of a slice: its queue and marking

// The port behind which the P4Runtime server of the switch sits.
#ifndef CPU_PORT
#define CPU_PORT 192
#endif
const PortId_t PORT_CONTROLLER = CPU_PORT;

// Copies of packets for the controller: their mirror type, and the mirror session that leads to it.
const MirrorType_t MIRROR_TYPE_NOTICE = 1;
const MirrorId_t MIRROR_SESSION_CONTROLLER = 1;

const bit<16> ETHERTYPE_IPV4 = 0x0800;
const bit<16> ETHERTYPE_VLAN = 0x8100;
const bit<16> ETHERTYPE_IPV6 = 0x86dd;
const bit<8> PROTOCOL_IPV4 = 4;
const bit<8> PROTOCOL_TCP = 6;
const bit<8> PROTOCOL_UDP = 17;
const bit<8> PROTOCOL_IPV6 = 41;
const bit<8> PROTOCOL_ESP = 50;
const bit<8> PROTOCOL_SCTP = 132;
const bit<16> UDP_PORT_GTPU = 2152;

const bit<8> GTPU_MESSAGE_G_PDU = 255;  // TS 29.281 table 6.1-1
const bit<8> GTPU_EXTENSION_PDU_SESSION_CONTAINER = 0x85;

const bit<16> LENGTH_SUM_TOO_BIG = 0xffff;

// Why a packet was dropped: the index of its counter. A closed list; upf/drops.py names the same.
typedef bit<8> drop_reason_t;
const drop_reason_t DROP_NONE = 0;
const drop_reason_t DROP_UNKNOWN_PORT = 1;
const drop_reason_t DROP_MALFORMED_GTPU = 2;
const drop_reason_t DROP_UNSUPPORTED_INNER = 3;
const drop_reason_t DROP_NO_SESSION = 4;
const drop_reason_t DROP_SPOOFED_SOURCE = 5;
const drop_reason_t DROP_GATE_CLOSED = 6;
const drop_reason_t DROP_FAR = 7;
const drop_reason_t DROP_BUFFERING = 8;
const drop_reason_t DROP_NO_TUNNEL_PEER = 10;
const drop_reason_t DROP_NO_ROUTE = 11;
const drop_reason_t DROP_NO_NEXT_HOP = 12;
const drop_reason_t DROP_SLICE_CAPACITY = 13;
const drop_reason_t DROP_NO_MATCHING_RULE = 14;
const drop_reason_t DROP_FLOW_RATE = 15;
const drop_reason_t DROP_SESSION_RATE = 16;
const drop_reason_t DROP_QUOTA_EXHAUSTED = 17;
const drop_reason_t DROP_MALFORMED_IP = 18;
const drop_reason_t DROP_OUTER_FRAGMENT = 19;
const drop_reason_t DROP_PUNT_RATE = 20;
const drop_reason_t DROP_TRUNCATED = 21;   // a frame shorter than the IP packet says it is

// Why the controller is shown a packet.
typedef bit<8> punt_reason_t;
const punt_reason_t PUNT_GTPU_NODE = 1;        // echo, error indication, end marker and the like
const punt_reason_t PUNT_NEIGHBOUR = 2;        // its next hop's MAC address is not known
const punt_reason_t PUNT_BUFFER = 3;           // for a PDR whose FAR buffers
const punt_reason_t PUNT_NOTIFY = 4;           // for a PDR whose FAR drops and notifies
const punt_reason_t PUNT_TTL_EXPIRED = 5;
const punt_reason_t PUNT_TOO_BIG = 6;
const punt_reason_t PUNT_UNKNOWN_TUNNEL = 7;   // a G-PDU of no session: error indication is due
const punt_reason_t PUNT_QUOTA_EXHAUSTED = 8;  // the first packet that a spent quota stopped
const punt_reason_t PUNT_GTPU_EXTENSION = 9;   // an extension header that has to be understood

#endif
