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
            set_port;
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
        md.user_length = hdr.ipv6.payload_len + 40;
        md.ether_type = ETHERTYPE_IPV6;
    }

    action select_inner_ipv4() {
        md.ttl = hdr.inner_ipv4.ttl;
        md.src_ipv4 = hdr.inner_ipv4.src_addr;
        md.dst_ipv4 = hdr.inner_ipv4.dst_addr;
        md.protocol = hdr.inner_ipv4.protocol;
        md.traffic_class_octet = hdr.inner_ipv4.dscp ++ hdr.inner_ipv4.ecn;
        md.user_length = hdr.inner_ipv4.total_len;
        md.ether_type = ETHERTYPE_IPV4;
    }

    action select_inner_ipv6() {
        md.ttl = hdr.inner_ipv6.hop_limit;
        md.src_ipv6 = hdr.inner_ipv6.src_addr;
        md.dst_ipv6 = hdr.inner_ipv6.dst_addr;
        md.protocol = hdr.inner_ipv6.next_header;
        md.traffic_class_octet = hdr.inner_ipv6.dscp ++ hdr.inner_ipv6.ecn;
        md.flow_label = hdr.inner_ipv6.flow_label;
        md.user_length = hdr.inner_ipv6.payload_len + 40;
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

    apply {
        ports.apply();
        if (hdr.ipv4.isValid()) {
            endpoints_ipv4.apply();
        } else if (hdr.ipv6.isValid()) {
            endpoints_ipv6.apply();
        }
        if (hdr.gtpu.isValid() && md.endpoint_id != 0) {
            if (hdr.inner_ipv4.isValid()) {
                select_inner_ipv4();
                md.is_tunnelled = 1;
            } else if (hdr.inner_ipv6.isValid()) {
                select_inner_ipv6();
                md.is_tunnelled = 1;
            }
            if (hdr.inner_l4.isValid()) {
                select_inner_l4();
            }
        } else {
            // A GTP-U message between others is a user's payload.
            if (hdr.ipv4.isValid()) {
                select_ipv4();
            } else if (hdr.ipv6.isValid()) {
                select_ipv6();
            }
            if (hdr.l4.isValid()) {
                select_l4();
            } else if (hdr.udp.isValid()) {
                select_udp();
            }
        }
        if (hdr.ethernet.dst_addr[47:16] == md.own_mac[47:16]) {
            if (hdr.ethernet.dst_addr[15:0] == md.own_mac[15:0]) {
                md.is_for_us = 1;
            }
        }
        if (md.ether_type == ETHERTYPE_IPV4) {
            hdr.bridged.entropy = flow_hash_ipv4.get(
                {md.src_ipv4, md.dst_ipv4, md.protocol, md.src_port, md.dst_port});
        } else {
            hdr.bridged.entropy = flow_hash_ipv6.get(
                {md.src_ipv6, md.dst_ipv6, md.protocol, md.src_port, md.dst_port});
        }
    }
}

#endif
