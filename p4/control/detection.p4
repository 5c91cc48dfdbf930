// Which PDR a packet belongs to (TS 23.501 clause 5.8.2.4). A session whose direction has one PDR
// without filters is decided by one lookup, by F-TEID or by UE address; a classified one by the
// filters that it shares with others and then by what it does with the one that matched.

#ifndef DETECTION_P4
#define DETECTION_P4

control Detection(
        inout ingress_headers_t hdr,
        inout ingress_metadata_t md) {

    // Outer header removal, no outer header creation.
    action forward(
            usage_id_t usage_id,
            bit<1> is_source_checked,
            bit<1> is_session_metered,
            slice_id_t slice_id,
            traffic_class_t traffic_class,
            network_instance_t route_instance,
            ipv4_addr_t ue_ipv4) {
        hdr.bridged.is_user = 1;
        hdr.bridged.is_source_checked = is_source_checked;
        hdr.bridged.is_session_metered = is_session_metered;
        hdr.bridged.usage_id = usage_id;
        hdr.bridged.slice_id = slice_id;
        hdr.bridged.traffic_class = traffic_class;
        hdr.bridged.tunnel_peer_id = 0;
        md.route_instance = route_instance;
        md.ue_ipv4 = ue_ipv4;
    }

    // Outer header creation towards a peer.
    action forward_tunnel(
            usage_id_t usage_id,
            bit<1> is_session_metered,
            slice_id_t slice_id,
            traffic_class_t traffic_class,
            tunnel_peer_id_t tunnel_peer_id,
            teid_t teid,
            qfi_t qfi,
            bit<1> reflective_qos) {
        hdr.bridged.is_user = 1;
        hdr.bridged.is_encapsulated = 1;
        hdr.bridged.is_source_checked = 0;
        hdr.bridged.is_session_metered = is_session_metered;
        hdr.bridged.usage_id = usage_id;
        hdr.bridged.slice_id = slice_id;
        hdr.bridged.traffic_class = traffic_class;
        hdr.bridged.tunnel_peer_id = tunnel_peer_id;
        hdr.bridged.teid = teid;
        hdr.bridged.is_ppi_present = 0;
        hdr.bridged.reflective_qos = reflective_qos;
        hdr.bridged.qfi = qfi;
    }

    // The controller keeps the packet until the UE has been found.
    action buffer(usage_id_t usage_id) {
        hdr.bridged.usage_id = usage_id;
        md.punt_reason = PUNT_BUFFER;
    }

    action notify(usage_id_t usage_id) {
        hdr.bridged.usage_id = usage_id;
        md.punt_reason = PUNT_NOTIFY;
    }

    action drop(drop_reason_t reason) {
        md.drop_reason = reason;
    }

    action unknown_tunnel() {
        md.punt_reason = PUNT_UNKNOWN_TUNNEL;
    }

    STAGES_OF_SESSIONS_BY_FTEID
    table sessions_by_fteid {
        key = {
            md.endpoint_id : exact @name("endpoint_id");
            hdr.gtpu.teid  : exact @name("teid");
        }
        actions = {
            @likely forward;
            forward_tunnel;
            buffer;
            notify;
            drop;
            @defaultonly unknown_tunnel;
        }
        const default_action = unknown_tunnel();
        size = NUM_SESSIONS_BY_FTEID;
    }

    STAGES_OF_SESSIONS_BY_UE_IPV4
    table sessions_by_ue_ipv4 {
        key = {
            md.network_instance : exact @name("network_instance");
            hdr.ipv4.dst_addr   : exact @name("ue_ipv4");
        }
        actions = {
            @likely forward_tunnel;
            buffer;
            notify;
            drop;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_SESSIONS_BY_UE_IPV4;
    }

    STAGES_OF_SESSIONS_BY_UE_IPV6
    table sessions_by_ue_ipv6 {
        key = {
            md.network_instance        : exact @name("network_instance");
            hdr.ipv6.dst_addr[127:64]  : exact @name("ue_prefix");
        }
        actions = {
            forward_tunnel;
            buffer;
            notify;
            drop;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_SESSIONS_BY_UE_IPV6;
    }

    action classify(rules_id_t rules_id, classified_id_t classified_id) {
        md.rules_id = rules_id;
        md.classified_id = classified_id;
    }

    table classified_by_fteid {
        key = {
            md.endpoint_id : exact @name("endpoint_id");
            hdr.gtpu.teid  : exact @name("teid");
        }
        actions = {
            classify;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_CLASSIFIED_BY_FTEID;
    }

    table classified_by_ue_ipv4 {
        key = {
            md.network_instance : exact @name("network_instance");
            hdr.ipv4.dst_addr   : exact @name("ue_ipv4");
        }
        actions = {
            classify;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_CLASSIFIED_BY_UE_IPV4;
    }

    table classified_by_ue_ipv6 {
        key = {
            md.network_instance       : exact @name("network_instance");
            hdr.ipv6.dst_addr[127:64] : exact @name("ue_prefix");
        }
        actions = {
            classify;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_CLASSIFIED_BY_UE_IPV6;
    }

    // TS 23.501 clause 5.6.14. Looked at before the large tables, so that what follows need not wait
    // for them: a UE address of another session must not lie in a framed route.
    table framed_routes_ipv4 {
        key = {
            md.network_instance : exact @name("network_instance");
            hdr.ipv4.dst_addr   : lpm @name("ipv4_dst");
        }
        actions = {
            classify;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_FRAMED_ROUTES;
    }

    table framed_routes_ipv6 {
        key = {
            md.network_instance : exact @name("network_instance");
            hdr.ipv6.dst_addr   : lpm @name("ipv6_dst");
        }
        actions = {
            classify;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_FRAMED_ROUTES;
    }

    action set_slot(filter_slot_t filter_slot) {
        md.filter_slot = filter_slot;
    }

    // SDF filters (TS 29.244 clause 8.2.5). Priorities are precedences. ESP's SPI is both ports.
    table filters_ipv4 {
        key = {
            md.rules_id            : exact @name("rules_id");
            md.src_ipv4            : ternary @name("src_addr");
            md.dst_ipv4            : ternary @name("dst_addr");
            md.protocol            : ternary @name("protocol");
            md.src_port            : range @name("src_port");
            md.dst_port            : range @name("dst_port");
            md.traffic_class_octet : ternary @name("traffic_class");
            md.qfi                 : ternary @name("qfi");
        }
        actions = {
            set_slot;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_FILTERS_IPV4;
    }

    table filters_ipv6 {
        key = {
            md.rules_id            : exact @name("rules_id");
            md.src_ipv6            : ternary @name("src_addr");
            md.dst_ipv6            : ternary @name("dst_addr");
            md.protocol            : ternary @name("protocol");
            md.src_port            : range @name("src_port");
            md.dst_port            : range @name("dst_port");
            md.traffic_class_octet : ternary @name("traffic_class");
            md.flow_label          : ternary @name("flow_label");
            md.qfi                 : ternary @name("qfi");
        }
        actions = {
            set_slot;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_FILTERS_IPV6;
    }

    action forward_flow(
            usage_id_t usage_id,
            meter_id_t flow_meter_id,
            meter_id_t session_meter_id,
            bit<1> is_guaranteed,
            quota_id_t quota_id,
            slice_id_t slice_id,
            traffic_class_t traffic_class,
            network_instance_t route_instance) {
        hdr.bridged.is_user = 1;
        hdr.bridged.usage_id = usage_id;
        hdr.bridged.flow_meter_id = flow_meter_id;
        hdr.bridged.session_meter_id = session_meter_id;
        hdr.bridged.is_guaranteed = is_guaranteed;
        hdr.bridged.quota_id = quota_id;
        hdr.bridged.slice_id = slice_id;
        hdr.bridged.traffic_class = traffic_class;
        md.route_instance = route_instance;
    }

    action forward_flow_tunnel(
            usage_id_t usage_id,
            meter_id_t flow_meter_id,
            meter_id_t session_meter_id,
            bit<1> is_guaranteed,
            quota_id_t quota_id,
            slice_id_t slice_id,
            traffic_class_t traffic_class,
            tunnel_peer_id_t tunnel_peer_id,
            teid_t teid,
            qfi_t qfi,
            bit<1> reflective_qos,
            bit<1> is_ppi_present,
            bit<3> ppi) {
        hdr.bridged.is_user = 1;
        hdr.bridged.is_encapsulated = 1;
        hdr.bridged.is_ppi_present = is_ppi_present;
        hdr.bridged.ppi[7:5] = ppi;
        hdr.bridged.usage_id = usage_id;
        hdr.bridged.flow_meter_id = flow_meter_id;
        hdr.bridged.session_meter_id = session_meter_id;
        hdr.bridged.is_guaranteed = is_guaranteed;
        hdr.bridged.quota_id = quota_id;
        hdr.bridged.slice_id = slice_id;
        hdr.bridged.traffic_class = traffic_class;
        hdr.bridged.tunnel_peer_id = tunnel_peer_id;
        hdr.bridged.teid = teid;
        hdr.bridged.qfi = qfi;
        hdr.bridged.reflective_qos = reflective_qos;
    }

    action no_matching_rule() {
        md.drop_reason = DROP_NO_MATCHING_RULE;
    }

    STAGES_OF_FLOWS
    table flows {
        key = {
            md.classified_id : exact @name("classified_id");
            md.filter_slot   : exact @name("filter_slot");
        }
        actions = {
            @likely forward_flow;
            @likely forward_flow_tunnel;
            buffer;
            notify;
            drop;
            @defaultonly no_matching_rule;
        }
        const default_action = no_matching_rule();
        size = NUM_FLOWS;
    }

    apply {
        if (md.endpoint_id != 0) {
            if (hdr.inner_ipv4.isValid() || hdr.inner_ipv6.isValid()) {
                classified_by_fteid.apply();
            }
        } else if (md.is_core == 1) {
            if (hdr.ipv4.isValid()) {
                if (!classified_by_ue_ipv4.apply().hit) {
                    framed_routes_ipv4.apply();
                }
            } else if (hdr.ipv6.isValid()) {
                if (!classified_by_ue_ipv6.apply().hit) {
                    framed_routes_ipv6.apply();
                }
            }
        }
        if (md.rules_id != 0) {
            if (md.ether_type == ETHERTYPE_IPV4) {
                filters_ipv4.apply();
            } else {
                filters_ipv6.apply();
            }
            flows.apply();
        } else if (md.endpoint_id != 0) {
            if (hdr.inner_ipv4.isValid() || hdr.inner_ipv6.isValid()) {
                sessions_by_fteid.apply();
            }
        } else if (md.is_core == 1) {
            if (hdr.ipv4.isValid()) {
                sessions_by_ue_ipv4.apply();
            } else if (hdr.ipv6.isValid()) {
                sessions_by_ue_ipv6.apply();
            }
        }
    }
}

#endif
