// Where a forwarded packet leaves: by its tunnel's peer, or by its route in the network instance its
// FAR names; then by one next hop of the group, chosen by the flow's hash.

#ifndef ROUTING_P4
#define ROUTING_P4

control Routing(
        inout ingress_headers_t hdr,
        inout ingress_metadata_t md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {

    // length_addend is 65534 less the longest user packet that fits this way: any longer one
    // saturates the sum. bucket_mask is one less than the number of buckets, a power of two.
    action set_next_hop_group(
            next_hop_group_id_t next_hop_group_id, bucket_t bucket_mask, bit<16> length_addend) {
        md.is_routed = 1;
        md.next_hop_group_id = next_hop_group_id;
        md.bucket = hdr.bridged.entropy[3:0] & bucket_mask;
        md.length_sum = md.user_length |+| length_addend;
    }

    // The network is at hand but the neighbour's MAC address is not known: the controller finds it
    // and lets the packet arrive again.
    action resolve_neighbour(PortId_t port) {
        md.punt_reason = PUNT_NEIGHBOUR;
        hdr.bridged.egress_port = port;
    }

    // The controller resolves a peer's route, so that no packet needs a second lookup for it.
    table tunnel_peers {
        key = {
            hdr.bridged.tunnel_peer_id : exact @name("tunnel_peer_id");
        }
        actions = {
            @likely set_next_hop_group;
            resolve_neighbour;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_TUNNEL_PEERS;
    }

    table routes_ipv4 {
        key = {
            md.route_instance : exact @name("network_instance");
            md.dst_ipv4       : lpm @name("ipv4_dst");
        }
        actions = {
            @likely set_next_hop_group;
            resolve_neighbour;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_ROUTES_IPV4;
    }

    table routes_ipv6 {
        key = {
            md.route_instance : exact @name("network_instance");
            md.dst_ipv6       : lpm @name("ipv6_dst");
        }
        actions = {
            @likely set_next_hop_group;
            resolve_neighbour;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_ROUTES_IPV6;
    }

    action set_queue(QueueId_t qid) {
        ig_tm_md.qid = qid;
    }

    table queues {
        key = {
            hdr.bridged.slice_id      : exact @name("slice_id");
            hdr.bridged.traffic_class : exact @name("traffic_class");
        }
        actions = {
            set_queue;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_TRAFFIC_CLASSES;
    }

    apply {
        queues.apply();
        if (hdr.bridged.is_encapsulated == 1) {
            tunnel_peers.apply();
        } else if (md.ether_type == ETHERTYPE_IPV4) {
            routes_ipv4.apply();
        } else {
            routes_ipv6.apply();
        }
    }
}

// One next hop of the group, chosen by the flow's hash.
control NextHop(
        inout ingress_headers_t hdr,
        inout ingress_metadata_t md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {

    // The tag, if any, is added in egress, so that every user packet arrives there alike.
    action set_port_and_macs(
            PortId_t port, mac_addr_t src_mac, mac_addr_t dst_mac, vlan_id_t vlan_id) {
        ig_tm_md.ucast_egress_port = port;
        hdr.bridged.egress_port = port;
        hdr.bridged.vlan_id = vlan_id;
        hdr.vlan.setInvalid();
        hdr.ethernet.src_addr = src_mac;
        hdr.ethernet.dst_addr = dst_mac;
        hdr.ethernet.ether_type = md.ether_type;
    }

    // Egress drops and counts it: this is the last stage.
    action no_next_hop() {
        ig_tm_md.ucast_egress_port = PORT_CONTROLLER;
        hdr.bridged.is_unroutable = 1;
        hdr.vlan.setInvalid();
        hdr.ethernet.ether_type = md.ether_type;
    }

    table next_hops {
        key = {
            md.next_hop_group_id : exact @name("next_hop_group_id");
            md.bucket            : exact @name("bucket");
        }
        actions = {
            @likely set_port_and_macs;
            @defaultonly no_next_hop;
        }
        const default_action = no_next_hop();
        size = NUM_NEXT_HOPS;
    }

    apply {
        next_hops.apply();
    }
}

#endif
