// Which PDR a packet belongs to (TS 23.501 clause 5.8.2.4): by port, then GTP-U endpoint and TEID,
// or by UE address. One lookup decides all of a session's direction.

#ifndef DETECTION_P4
#define DETECTION_P4

control Detection(
        inout ingress_headers_t hdr,
        inout ingress_metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md) {

    action set_port(network_instance_t network_instance, bit<1> is_core, PortId_t host_port) {
        md.network_instance = network_instance;
        md.is_core = is_core;
        md.host_port = host_port;
    }

    action unknown_port() {
        md.drop_reason = DROP_UNKNOWN_PORT;
    }

    table ports {
        key = {
            ig_intr_md.ingress_port : exact @name("ingress_port");
        }
        actions = {
            set_port;
            @defaultonly unknown_port;
        }
        const default_action = unknown_port();
        size = NUM_PORTS;
    }

    action set_endpoint(endpoint_id_t endpoint_id) {
        md.endpoint_id = endpoint_id;
    }

    // The GTP-U entities of this UPF. Identifier 0 is none.
    table endpoints {
        key = {
            md.network_instance : exact @name("network_instance");
            hdr.ipv4.dst_addr   : exact @name("ipv4_addr");
        }
        actions = {
            set_endpoint;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_ENDPOINTS;
    }

    // Outer header removal, no outer header creation.
    action forward(
            usage_id_t usage_id,
            slice_meter_id_t slice_meter_id,
            network_instance_t route_instance,
            bit<1> is_source_checked,
            ipv4_addr_t ue_ipv4) {
        md.is_forwarded = 1;
        md.usage_id = usage_id;
        md.slice_meter_id = slice_meter_id;
        md.route_instance = route_instance;
        md.is_source_checked = is_source_checked;
        md.ue_ipv4 = ue_ipv4;
    }

    // Outer header creation: GTP-U/UDP/IPv4.
    action forward_tunnel(
            usage_id_t usage_id,
            slice_meter_id_t slice_meter_id,
            network_instance_t route_instance,
            tunnel_peer_id_t tunnel_peer_id,
            teid_t teid,
            psc_t psc,
            qfi_t qfi) {
        md.is_forwarded = 1;
        md.is_tunnelled = 1;
        md.usage_id = usage_id;
        md.slice_meter_id = slice_meter_id;
        md.route_instance = route_instance;
        md.tunnel_peer_id = tunnel_peer_id;
        md.teid = teid;
        md.psc = psc;
        md.qfi = qfi;
    }

    action drop(drop_reason_t reason) {
        md.drop_reason = reason;
    }

    action no_session() {
        md.drop_reason = DROP_NO_SESSION;
    }

    table sessions_by_fteid {
        key = {
            md.endpoint_id : exact @name("endpoint_id");
            hdr.gtpu.teid  : exact @name("teid");
        }
        actions = {
            forward;
            forward_tunnel;
            drop;
            @defaultonly no_session;
        }
        const default_action = no_session();
        size = NUM_SESSIONS_BY_FTEID;
    }

    // What is not for a UE is for the host.
    table sessions_by_ue_ipv4 {
        key = {
            md.network_instance : exact @name("network_instance");
            hdr.ipv4.dst_addr   : exact @name("ue_ipv4");
        }
        actions = {
            forward;
            forward_tunnel;
            drop;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_SESSIONS_BY_UE_IPV4;
    }

    apply {
        ports.apply();
        if (hdr.gtpu.isValid()) {
            endpoints.apply();
        }
        if (md.endpoint_id != 0) {
            if (ig_prsr_md.parser_err != PARSER_ERROR_OK) {
                md.drop_reason = DROP_MALFORMED_GTPU;
            } else if (hdr.gtpu.message_type != GTPU_MESSAGE_G_PDU) {
                md.punt_reason = PUNT_GTPU_NODE;
            } else if (!hdr.inner_ipv4.isValid()) {
                md.drop_reason = DROP_UNSUPPORTED_INNER;
            } else {
                sessions_by_fteid.apply();
            }
        } else if (md.is_core == 1 && hdr.ipv4.isValid()) {
            sessions_by_ue_ipv4.apply();
        }
    }
}

#endif
