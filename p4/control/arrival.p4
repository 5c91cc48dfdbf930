// Where a packet came from, whether it is addressed to this UPF, and which of its IP headers is the
// user's.

#ifndef ARRIVAL_P4
#define ARRIVAL_P4

control Arrival(
        inout ingress_headers_t hdr,
        inout ingress_metadata_t md) {

    Hash<bit<16>>(HashAlgorithm_t.CRC16) flow_hash_ipv4;
    Hash<bit<16>>(HashAlgorithm_t.CRC16) flow_hash_ipv6;

    action set_port(
            network_instance_t network_instance,
            bit<1> is_core,
            PortId_t host_port,
            mac_addr_t own_mac) {
        md.network_instance = network_instance;
        md.is_core = is_core;
        md.host_port = host_port;
        md.own_mac = own_mac;
        md.is_port_known = 1;
    }

    table ports {
        key = {
            md.ingress_port : exact @name("ingress_port");
            md.vlan_id      : exact @name("vlan_id");
        }
        actions = {
            @likely set_port;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_PORTS;
    }

    action set_endpoint(endpoint_id_t endpoint_id) {
        md.endpoint_id = endpoint_id;
    }

    // The GTP-U entities of this UPF, per port: the tables stand beside `ports`, not behind it.
    table endpoints_ipv4 {
        key = {
            md.ingress_port   : exact @name("ingress_port");
            md.vlan_id        : exact @name("vlan_id");
            hdr.ipv4.dst_addr : exact @name("ipv4_addr");
        }
        actions = {
            set_endpoint;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_ENDPOINTS;
    }

    table endpoints_ipv6 {
        key = {
            md.ingress_port   : exact @name("ingress_port");
            md.vlan_id        : exact @name("vlan_id");
            hdr.ipv6.dst_addr : exact @name("ipv6_addr");
        }
        actions = {
            set_endpoint;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = NUM_ENDPOINTS;
    }

    action select_ipv4() {
        md.ttl = hdr.ipv4.ttl;
        md.src_ipv4 = hdr.ipv4.src_addr;
        md.dst_ipv4 = hdr.ipv4.dst_addr;
        md.protocol = hdr.ipv4.protocol;
        md.traffic_class_octet = hdr.ipv4.dscp ++ hdr.ipv4.ecn;
        md.user_length = hdr.ipv4.total_len;
        md.ether_type = ETHERTYPE_IPV4;
    }

    action select_ipv6() {
        md.ttl = hdr.ipv6.hop_limit;
        md.src_ipv6 = hdr.ipv6.src_addr;
        md.dst_ipv6 = hdr.ipv6.dst_addr;
        md.protocol = hdr.ipv6.next_header;
        md.traffic_class_octet = hdr.ipv6.dscp ++ hdr.ipv6.ecn;
        md.flow_label = hdr.ipv6.flow_label;
        md.user_length = hdr.ipv6.payload_len |+| 40;
        md.ether_type = ETHERTYPE_IPV6;
    }

    action select_inner_ipv4() {
        md.is_tunnelled = 1;
        md.ttl = hdr.inner_ipv4.ttl;
        md.src_ipv4 = hdr.inner_ipv4.src_addr;
        md.dst_ipv4 = hdr.inner_ipv4.dst_addr;
        md.protocol = hdr.inner_ipv4.protocol;
        md.traffic_class_octet = hdr.inner_ipv4.dscp ++ hdr.inner_ipv4.ecn;
        md.user_length = hdr.inner_ipv4.total_len;
        md.ether_type = ETHERTYPE_IPV4;
    }

    action select_inner_ipv6() {
        md.is_tunnelled = 1;
        md.ttl = hdr.inner_ipv6.hop_limit;
        md.src_ipv6 = hdr.inner_ipv6.src_addr;
        md.dst_ipv6 = hdr.inner_ipv6.dst_addr;
        md.protocol = hdr.inner_ipv6.next_header;
        md.traffic_class_octet = hdr.inner_ipv6.dscp ++ hdr.inner_ipv6.ecn;
        md.flow_label = hdr.inner_ipv6.flow_label;
        md.user_length = hdr.inner_ipv6.payload_len |+| 40;
        md.ether_type = ETHERTYPE_IPV6;
    }

    action select_l4() {
        md.src_port = hdr.l4.src_port;
        md.dst_port = hdr.l4.dst_port;
    }

    action select_udp() {
        md.src_port = hdr.udp.src_port;
        md.dst_port = hdr.udp.dst_port;
    }

    action select_inner_l4() {
        md.src_port = hdr.inner_l4.src_port;
        md.dst_port = hdr.inner_l4.dst_port;
    }

    // Which IP header is the user's. A GTP-U message between others is a user's payload.
    table user_packets {
        key = {
            md.endpoint_id           : ternary @name("endpoint_id");
            hdr.ipv4.isValid()       : ternary @name("ipv4");
            hdr.ipv6.isValid()       : ternary @name("ipv6");
            hdr.inner_ipv4.isValid() : ternary @name("inner_ipv4");
            hdr.inner_ipv6.isValid() : ternary @name("inner_ipv6");
        }
        actions = {
            select_ipv4;
            select_ipv6;
            select_inner_ipv4;
            select_inner_ipv6;
            @defaultonly NoAction;
        }
        const entries = {
            (0, true, _, _, _) : select_ipv4();
            (0, _, true, _, _) : select_ipv6();
            (_, _, _, true, _) : select_inner_ipv4();
            (_, _, _, _, true) : select_inner_ipv6();
        }
        const default_action = NoAction();
        size = 4;
    }

    table user_ports {
        key = {
            md.endpoint_id         : ternary @name("endpoint_id");
            hdr.l4.isValid()       : ternary @name("l4");
            hdr.udp.isValid()      : ternary @name("udp");
            hdr.inner_l4.isValid() : ternary @name("inner_l4");
        }
        actions = {
            @likely select_l4;
            select_udp;
            @likely select_inner_l4;
            @defaultonly NoAction;
        }
        const entries = {
            (0, true, _, _) : select_l4();
            (0, _, true, _) : select_udp();
            (_, _, _, true) : select_inner_l4();
        }
        const default_action = NoAction();
        size = 4;
    }

    apply {
        // All that stands between GTP-U's first eight octets and the user's packet. Added up here,
        // where nothing has to be waited for: later it costs stages.
        md.option_units = md.option_units + md.before_units;
        md.psc_units = md.psc_units + md.after_units;
        md.option_units = md.option_units + md.psc_units;
        ports.apply();
        if (hdr.ipv4.isValid()) {
            endpoints_ipv4.apply();
        } else if (hdr.ipv6.isValid()) {
            endpoints_ipv6.apply();
        }
        user_packets.apply();
        user_ports.apply();
        if (hdr.ethernet.dst_addr[47:16] == md.own_mac[47:16]) {
            if (hdr.ethernet.dst_addr[15:0] == md.own_mac[15:0]) {
                md.is_for_us = 1;
            }
        }
        if (md.ether_type == ETHERTYPE_IPV4) {
            hdr.bridged.entropy = flow_hash_ipv4.get(
                {md.src_ipv4, md.dst_ipv4, md.protocol, md.src_port, md.dst_port});
        } else {
            hdr.bridged.entropy = flow_hash_ipv6.get({
                md.src_ipv6[127:64], md.src_ipv6[63:0], md.dst_ipv6[127:64], md.dst_ipv6[63:0],
                md.protocol, md.src_port, md.dst_port});
        }
    }
}

#endif
