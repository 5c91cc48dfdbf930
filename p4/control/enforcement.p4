// What the user may send and what is charged: the flow's rate, the session's, the slice's capacity,
// the quota, then usage. All see octets of the user's IP packet alone, the same uplink and downlink
// (TS 29.244 clause 5.2.2.2).

#ifndef ENFORCEMENT_P4
#define ENFORCEMENT_P4

control Enforcement(
        inout egress_headers_t hdr,
        inout egress_metadata_t md,
        in egress_intrinsic_metadata_t eg_intr_md,
        inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {

    Meter<meter_id_t>(NUM_FLOW_METERS, MeterType_t.BYTES) flow_meters;
    Meter<meter_id_t>(NUM_SESSION_METERS, MeterType_t.BYTES) session_meters;
    Meter<slice_meter_id_t>(NUM_SLICE_METERS, MeterType_t.BYTES) slice_meters;

    Register<quota_t, quota_id_t>(NUM_QUOTAS) quotas;

    // 0: within the quota; 1: the first packet that it stops; 2: a later one. The controller sets
    // `remaining` to the octets granted and `told` to 1.
    RegisterAction<quota_t, quota_id_t, bit<8>>(quotas) spend_quota = {
        void apply(inout quota_t quota, out bit<8> state) {
            if (quota.remaining < (bit<32>)md.user_length) {
                state = (bit<8>)quota.told;
                quota.told = 2;
            } else {
                state = 0;
                quota.remaining = quota.remaining - (bit<32>)md.user_length;
            }
        }
    };

    // A PDR's counter: the low four bits of its identifier tell the bank, the rest the cell. On
    // Tofino one array cannot be larger than what one stage holds. 12 to 15 are no banks.
    Counter<bit<36>, usage_index_t>(NUM_USAGE_0, CounterType_t.PACKETS_AND_BYTES) usage_0;
    Counter<bit<36>, usage_index_t>(NUM_USAGE_1, CounterType_t.PACKETS_AND_BYTES) usage_1;
    Counter<bit<36>, usage_index_t>(NUM_USAGE_2, CounterType_t.PACKETS_AND_BYTES) usage_2;
    Counter<bit<36>, usage_index_t>(NUM_USAGE_3, CounterType_t.PACKETS_AND_BYTES) usage_3;
    Counter<bit<36>, usage_index_t>(NUM_USAGE_4, CounterType_t.PACKETS_AND_BYTES) usage_4;
    Counter<bit<36>, usage_index_t>(NUM_USAGE_5, CounterType_t.PACKETS_AND_BYTES) usage_5;
    Counter<bit<36>, usage_index_t>(NUM_USAGE_6, CounterType_t.PACKETS_AND_BYTES) usage_6;
    Counter<bit<36>, usage_index_t>(NUM_USAGE_7, CounterType_t.PACKETS_AND_BYTES) usage_7;
    Counter<bit<36>, usage_index_t>(NUM_USAGE_8, CounterType_t.PACKETS_AND_BYTES) usage_8;
    Counter<bit<36>, usage_index_t>(NUM_USAGE_9, CounterType_t.PACKETS_AND_BYTES) usage_9;
    Counter<bit<36>, usage_index_t>(NUM_USAGE_10, CounterType_t.PACKETS_AND_BYTES) usage_10;
    Counter<bit<36>, usage_index_t>(NUM_USAGE_11, CounterType_t.PACKETS_AND_BYTES) usage_11;

    // What enforcement takes from each slice, uplink and downlink apart.
    Counter<bit<64>, slice_meter_id_t>(NUM_SLICE_METERS, CounterType_t.PACKETS_AND_BYTES) slice_drops;

    action tell_controller() {
        hdr.bridged.punt_reason = PUNT_QUOTA_EXHAUSTED;
        md.mirror_session = MIRROR_SESSION_CONTROLLER;
        eg_dprsr_md.mirror_type = MIRROR_TYPE_NOTICE;
    }

    apply {
        md.flow_color = flow_meters.execute(
            index = hdr.bridged.flow_meter_id,
            adjust_byte_count = OCTETS_BEFORE_USER_PACKET);
        if (md.flow_color != (bit<8>)MeterColor_t.RED) {
            md.missing_octets = md.announced_length |-| eg_intr_md.pkt_length;
        }
        md.session_color = session_meters.execute(
            index = hdr.bridged.session_meter_id,
            color = (MeterColor_t)md.flow_color,
            adjust_byte_count = OCTETS_BEFORE_USER_PACKET);
        // Guaranteed traffic within its rate is not the slice's to refuse.
        if (hdr.bridged.is_guaranteed == 1 && md.session_color == (bit<8>)MeterColor_t.GREEN) {
            md.slice_color = (bit<8>)MeterColor_t.GREEN;
        } else {
            md.slice_color = slice_meters.execute(
                index = hdr.bridged.slice_id ++ hdr.bridged.is_downlink,
                color = (MeterColor_t)md.session_color,
                adjust_byte_count = OCTETS_BEFORE_USER_PACKET);
        }
        if (md.flow_color == (bit<8>)MeterColor_t.RED) {
            md.drop_reason = DROP_FLOW_RATE;
        } else if (md.missing_octets != 0) {
            md.drop_reason = DROP_TRUNCATED;
        } else if (md.session_color == (bit<8>)MeterColor_t.RED) {
            md.drop_reason = DROP_SESSION_RATE;
        } else if (md.slice_color == (bit<8>)MeterColor_t.RED) {
            md.drop_reason = DROP_SLICE_CAPACITY;
        } else if (hdr.bridged.quota_id != 0) {
            md.quota_state = spend_quota.execute(hdr.bridged.quota_id);
        }
        if (md.quota_state != 0) {
            md.drop_reason = DROP_QUOTA_EXHAUSTED;
        }
        if (md.quota_state == 1) {
            tell_controller();
        }
        if (md.drop_reason != DROP_NONE) {
            slice_drops.count(
                hdr.bridged.slice_id ++ hdr.bridged.is_downlink, OCTETS_BEFORE_USER_PACKET);
        } else if (hdr.bridged.usage_id[3:0] == 0) {
            usage_0.count(hdr.bridged.usage_id[21:4], OCTETS_BEFORE_USER_PACKET);
        } else if (hdr.bridged.usage_id[3:0] == 1) {
            usage_1.count(hdr.bridged.usage_id[21:4], OCTETS_BEFORE_USER_PACKET);
        } else if (hdr.bridged.usage_id[3:0] == 2) {
            usage_2.count(hdr.bridged.usage_id[21:4], OCTETS_BEFORE_USER_PACKET);
        } else if (hdr.bridged.usage_id[3:0] == 3) {
            usage_3.count(hdr.bridged.usage_id[21:4], OCTETS_BEFORE_USER_PACKET);
        } else if (hdr.bridged.usage_id[3:0] == 4) {
            usage_4.count(hdr.bridged.usage_id[21:4], OCTETS_BEFORE_USER_PACKET);
        } else if (hdr.bridged.usage_id[3:0] == 5) {
            usage_5.count(hdr.bridged.usage_id[21:4], OCTETS_BEFORE_USER_PACKET);
        } else if (hdr.bridged.usage_id[3:0] == 6) {
            usage_6.count(hdr.bridged.usage_id[21:4], OCTETS_BEFORE_USER_PACKET);
        } else if (hdr.bridged.usage_id[3:0] == 7) {
            usage_7.count(hdr.bridged.usage_id[21:4], OCTETS_BEFORE_USER_PACKET);
        } else if (hdr.bridged.usage_id[3:0] == 8) {
            usage_8.count(hdr.bridged.usage_id[21:4], OCTETS_BEFORE_USER_PACKET);
        } else if (hdr.bridged.usage_id[3:0] == 9) {
            usage_9.count(hdr.bridged.usage_id[21:4], OCTETS_BEFORE_USER_PACKET);
        } else if (hdr.bridged.usage_id[3:0] == 10) {
            usage_10.count(hdr.bridged.usage_id[21:4], OCTETS_BEFORE_USER_PACKET);
        } else {
            usage_11.count(hdr.bridged.usage_id[21:4], OCTETS_BEFORE_USER_PACKET);
        }
    }
}

#endif
