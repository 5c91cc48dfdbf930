// Sizes of every table and array. A Linux switch is given larger ones when it starts.

#ifndef SIZES_P4
#define SIZES_P4

#if __TARGET_TOFINO__ == 2
const bit<32> NUM_SESSIONS_BY_FTEID = 344064;
const bit<32> NUM_SESSIONS_BY_UE_IPV4 = 344064;
const bit<32> NUM_SESSIONS_BY_UE_IPV6 = 24576;
const bit<32> NUM_USAGE_0 = 61440;
const bit<32> NUM_USAGE_1 = 61440;
const bit<32> NUM_USAGE_2 = 61440;
const bit<32> NUM_USAGE_3 = 61440;
const bit<32> NUM_USAGE_4 = 61440;
const bit<32> NUM_USAGE_5 = 61440;
const bit<32> NUM_USAGE_6 = 61440;
const bit<32> NUM_USAGE_7 = 61440;
const bit<32> NUM_USAGE_8 = 61440;
const bit<32> NUM_USAGE_9 = 61440;
const bit<32> NUM_USAGE_10 = 61440;
const bit<32> NUM_USAGE_11 = 61440;
const bit<32> NUM_SESSION_METERS = 32768;
const bit<32> NUM_FLOW_METERS = 32768;
const bit<32> NUM_FLOWS = 32768;
#define STAGES_OF_SESSIONS_BY_FTEID @stage(2, 73728) @stage(3, 61440) @stage(4, 73728) @stage(5, 45056) @stage(6, 45056) @stage(7, 45056)
#define STAGES_OF_SESSIONS_BY_UE_IPV4 @stage(8, 43008) @stage(9, 43008) @stage(10, 43008) @stage(11, 43008) @stage(12, 43008) @stage(13, 43008) @stage(14, 43008) @stage(15, 43008)
#define STAGES_OF_SESSIONS_BY_UE_IPV6 @stage(16, 12288) @stage(17, 12288)
#define STAGES_OF_FLOWS @stage(16, 16384) @stage(17, 16384)
#else
const bit<32> NUM_SESSIONS_BY_FTEID = 200704;
const bit<32> NUM_SESSIONS_BY_UE_IPV4 = 200704;
const bit<32> NUM_SESSIONS_BY_UE_IPV6 = 8192;
const bit<32> NUM_USAGE_0 = 26624;
const bit<32> NUM_USAGE_1 = 26624;
const bit<32> NUM_USAGE_2 = 26624;
const bit<32> NUM_USAGE_3 = 26624;
const bit<32> NUM_USAGE_4 = 26624;
const bit<32> NUM_USAGE_5 = 30720;
const bit<32> NUM_USAGE_6 = 30720;
const bit<32> NUM_USAGE_7 = 28672;
const bit<32> NUM_USAGE_8 = 28672;
const bit<32> NUM_USAGE_9 = 61440;
const bit<32> NUM_USAGE_10 = 65536;
const bit<32> NUM_USAGE_11 = 65536;
const bit<32> NUM_SESSION_METERS = 16384;
const bit<32> NUM_FLOW_METERS = 16384;
const bit<32> NUM_FLOWS = 16384;
#define STAGES_OF_SESSIONS_BY_FTEID
#define STAGES_OF_SESSIONS_BY_UE_IPV4 @stage(4, 28672) @stage(5, 34816) @stage(7, 47104) @stage(8, 47104) @stage(9, 43008)
#define STAGES_OF_SESSIONS_BY_UE_IPV6
#define STAGES_OF_FLOWS @stage(6)
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
const bit<32> NUM_MARKINGS = 2048;     // of traffic classes, green and yellow apart
const bit<32> NUM_TUNNEL_PEERS = 4096;
const bit<32> NUM_ROUTES_IPV4 = 4096;
const bit<32> NUM_ROUTES_IPV6 = 1024;
const bit<32> NUM_NEXT_HOPS = 4096;
const bit<32> NUM_DROP_REASONS = 64;
const bit<32> NUM_PUNT_REASONS = 16;

#endif
