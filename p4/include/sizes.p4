// Sizes of every table and array. A Linux switch is given larger ones when it starts.

#ifndef SIZES_P4
#define SIZES_P4

#if __TARGET_TOFINO__ == 2
const bit<32> NUM_SESSIONS_BY_FTEID = 245760;
const bit<32> NUM_SESSIONS_BY_UE_IPV4 = 245760;
const bit<32> NUM_SESSIONS_BY_UE_IPV6 = 65536;
const bit<32> NUM_USAGE_0 = 69632;
const bit<32> NUM_USAGE_1 = 69632;
const bit<32> NUM_USAGE_2 = 69632;
const bit<32> NUM_USAGE_3 = 69632;
const bit<32> NUM_USAGE_4 = 69632;
const bit<32> NUM_USAGE_5 = 69632;
const bit<32> NUM_USAGE_6 = 69632;
const bit<32> NUM_USAGE_7 = 69632;
const bit<32> NUM_SESSION_METERS = 32768;
const bit<32> NUM_FLOW_METERS = 32768;
const bit<32> NUM_FLOWS = 65536;
#define STAGES_OF_SESSIONS_BY_UE_IPV4
#define STAGE_OF_FLOWS
#else
const bit<32> NUM_SESSIONS_BY_FTEID = 200704;
const bit<32> NUM_SESSIONS_BY_UE_IPV4 = 200704;
const bit<32> NUM_SESSIONS_BY_UE_IPV6 = 8192;
const bit<32> NUM_USAGE_0 = 65536;
const bit<32> NUM_USAGE_1 = 65536;
const bit<32> NUM_USAGE_2 = 65536;
const bit<32> NUM_USAGE_3 = 65536;
const bit<32> NUM_USAGE_4 = 65536;
const bit<32> NUM_USAGE_5 = 65536;
const bit<32> NUM_USAGE_6 = 34816;
const bit<32> NUM_USAGE_7 = 1024;
const bit<32> NUM_SESSION_METERS = 16384;
const bit<32> NUM_FLOW_METERS = 16384;
const bit<32> NUM_FLOWS = 16384;
#define STAGES_OF_SESSIONS_BY_UE_IPV4 @stage(4, 28672) @stage(5, 34816) @stage(7, 47104) @stage(8, 47104) @stage(9, 43008)
#define STAGE_OF_FLOWS @stage(6)
#endif

const bit<32> NUM_PORTS = 64;
const bit<32> NUM_ENDPOINTS = 64;
const bit<32> NUM_CLASSIFIED_BY_FTEID = 16384;
const bit<32> NUM_CLASSIFIED_BY_UE_IPV4 = 16384;
const bit<32> NUM_CLASSIFIED_BY_UE_IPV6 = 4096;
const bit<32> NUM_FRAMED_ROUTES = 512;
const bit<32> NUM_FILTERS_IPV4 = 1024;
const bit<32> NUM_FILTERS_IPV6 = 512;
const bit<32> NUM_SOURCE_PREFIXES = 16384;
const bit<32> NUM_QUOTAS = 16384;
const bit<32> NUM_SLICE_METERS = 512;  // 256 slices, uplink and downlink apart
const bit<32> NUM_TRAFFIC_CLASSES = 1024;
const bit<32> NUM_TUNNEL_PEERS = 4096;
const bit<32> NUM_ROUTES_IPV4 = 4096;
const bit<32> NUM_ROUTES_IPV6 = 1024;
const bit<32> NUM_NEXT_HOPS = 4096;
const bit<32> NUM_DROP_REASONS = 64;
const bit<32> NUM_PUNT_REASONS = 16;

#endif
