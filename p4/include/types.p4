// Types and constants that more than one file of the pipeline speaks of.

#ifndef TYPES_P4
#define TYPES_P4

typedef bit<48> mac_addr_t;
typedef bit<32> ipv4_addr_t;

typedef bit<8> network_instance_t;
typedef bit<8> endpoint_id_t;
typedef bit<12> tunnel_peer_id_t;
typedef bit<16> next_hop_id_t;
typedef bit<24> usage_id_t;
typedef bit<9> slice_meter_id_t;  // slice number, then 0 for uplink or 1 for downlink
typedef bit<32> teid_t;
typedef bit<6> qfi_t;

// The port behind which the P4Runtime server of the switch sits.
#ifndef CPU_PORT
#define CPU_PORT 192
#endif
const PortId_t PORT_CONTROLLER = CPU_PORT;

const bit<16> ETHERTYPE_IPV4 = 0x0800;
const bit<8> PROTOCOL_UDP = 17;
const bit<16> UDP_PORT_GTPU = 2152;

const bit<8> GTPU_MESSAGE_G_PDU = 255;  // TS 29.281 table 6.1-1
const bit<8> GTPU_EXTENSION_PDU_SESSION_CONTAINER = 0x85;

// Which PDU session container an encapsulation carries (TS 38.415 clause 5.5.2).
typedef bit<2> psc_t;
const psc_t PSC_NONE = 0;
const psc_t PSC_DOWNLINK = 1;
const psc_t PSC_UPLINK = 2;

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
const drop_reason_t DROP_TTL_EXPIRED = 9;
const drop_reason_t DROP_NO_TUNNEL_PEER = 10;
const drop_reason_t DROP_NO_ROUTE = 11;
const drop_reason_t DROP_NO_NEXT_HOP = 12;
const drop_reason_t DROP_SLICE_CAPACITY = 13;

// Why the controller is shown a packet.
typedef bit<8> punt_reason_t;
const punt_reason_t PUNT_NONE = 0;
const punt_reason_t PUNT_GTPU_NODE = 1;   // echo, error indication, end marker and the like
const punt_reason_t PUNT_NEIGHBOUR = 2;   // finished but for the MAC address of its next hop

#endif
