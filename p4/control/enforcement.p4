// What the user may send and what is charged: the slice's capacity, then usage. Both see octets of
// the user's IP packet alone, the same uplink and downlink (TS 29.244 clause 5.2.2.2).

#ifndef ENFORCEMENT_P4
#define ENFORCEMENT_P4

control Enforcement(
        inout egress_headers_t hdr,
        inout egress_metadata_t md) {

    Meter<slice_meter_id_t>(NUM_SLICE_METERS, MeterType_t.BYTES) slice_meters;

    Counter<bit<64>, usage_id_t>(NUM_USAGE_COUNTERS, CounterType_t.PACKETS_AND_BYTES) usage;

    apply {
        md.slice_color = slice_meters.execute(
            index = hdr.bridged.slice_meter_id,
            adjust_byte_count = OCTETS_BEFORE_USER_PACKET);
        if (md.slice_color == (bit<8>)MeterColor_t.RED) {
            md.drop_reason = DROP_SLICE_CAPACITY;
        } else {
            usage.count(hdr.bridged.usage_id, OCTETS_BEFORE_USER_PACKET);
        }
    }
}

#endif
