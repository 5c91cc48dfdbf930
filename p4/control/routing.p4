// Where a forwarded packet leaves: route, then next hop, in the network instance its FAR names.

#ifndef ROUTING_P4
#define ROUTING_P4

control Routing(
        inout ingress_headers_t hdr,
        inout ingress_metadata_t md) {

    action set_tunnel_peer(ipv4_addr_t src_addr, ipv4_addr_t dst_addr) {
        md.tunnel_src = src_addr;
        md.tunnel_dst = dst_addr;
        md.route_dst = dst_addr;
    }

    action no_tunnel_peer() {
        md.drop_reason = DROP_NO_TUNNEL_PEER;
    }

    table tunnel_peers {
        key = {
            md.tunnel_peer_id : exact @name("tunnel_peer_id");
        }
        actions = {
            set_tunnel_peer;
            @defaultonly no_tunnel_peer;
        }
        const default_action = no_tunnel_peer();
        size = NUM_TUNNEL_PEERS;
    }

    action set_next_hop(next_hop_id_t next_hop_id) {
        md.next_hop_id = next_hop_id;
    }

    // The network is at hand but the neighbour's MAC address is not known: the controller finds it.
    action resolve_neighbour(PortId_t port) {
        md.punt_reason = PUNT_NEIGHBOUR;
        md.egress_port = port;
    }

    action no_route() {
        md.drop_reason = DROP_NO_ROUTE;
    }

    table routes_ipv4 {
        key = {
            md.route_instance : exact @name("network_instance");
            md.route_dst      : lpm @name("ipv4_dst");
        }
        actions = {
            set_next_hop;
            resolve_neighbour;
            @defaultonly no_route;
        }
        const default_action = no_route();
        size = NUM_ROUTES_IPV4;
    }

    action set_port_and_macs(PortId_t port, mac_addr_t src_mac, mac_addr_t dst_mac) {
        md.egress_port = port;
        hdr.ethernet.src_addr = src_mac;
        hdr.ethernet.dst_addr = dst_mac;
    }

    action no_next_hop() {
        md.drop_reason = DROP_NO_NEXT_HOP;
    }

    table next_hops {
        key = {
            md.next_hop_id : exact @name("next_hop_id");
        }
        actions = {
            set_port_and_macs;
            @defaultonly no_next_hop;
        }
        const default_action = no_next_hop();
        size = NUM_NEXT_HOPS;
    }

    apply {
        if (md.is_tunnelled == 1) {
            tunnel_peers.apply();
        } else if (md.endpoint_id != 0) {
            md.route_dst = hdr.inner_ipv4.dst_addr;
        } else {
            // A GTP-U message of the user's own is his payload and has an inner header too.
            md.route_dst = hdr.ipv4.dst_addr;
        }
        if (md.drop_reason == DROP_NONE) {
            if (routes_ipv4.apply().hit) {
                if (md.punt_reason == PUNT_NONE) {
                    next_hops.apply();
                }
            }
        }
    }
}

#endif
