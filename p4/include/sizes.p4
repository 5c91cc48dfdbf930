// Sizes of every table and array, for Tofino 1. A Linux switch is given larger ones when it starts.

#ifndef SIZES_P4
#define SIZES_P4

const bit<32> NUM_PORTS = 64;
const bit<32> NUM_ENDPOINTS = 64;
const bit<32> NUM_SESSIONS_BY_FTEID = 32768;
const bit<32> NUM_SESSIONS_BY_UE_IPV4 = 16384;
const bit<32> NUM_USAGE_COUNTERS = 32768;
const bit<32> NUM_SLICE_METERS = 512;  // 256 slices, uplink and downlink apart
const bit<32> NUM_TUNNEL_PEERS = 4096;
const bit<32> NUM_ROUTES_IPV4 = 4096;
const bit<32> NUM_NEXT_HOPS = 1024;
const bit<32> NUM_DROP_REASONS = 64;

#endif
