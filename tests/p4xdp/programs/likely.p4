// Likely ways through the parser: with a tag and without, and past a header that is only skipped; through
// tables, too. What is unlikely: an option, another kind of packet, one that ends early, some actions and
// shades.

#include <core.p4>
#include <tna.p4>

header outer_t {
    bit<8> kind;
    bit<8> hops;
    bit<16> length;
}

header tag_t {
    bit<4> priority;
    bit<12> number;
    bit<8> kind;
}

header option_t {
    bit<32> value;
}

header inner_t {
    bit<8> kind;
    bit<24> source;
    bit<32> target;
}

header mark_t {
    bit<16> color;
    bit<16> sum;
}

struct headers_t {
    mark_t mark;
    outer_t outer;
    tag_t tag;
    option_t option;
    inner_t inner;
}

struct metadata_t {
    bit<12> number;
    bit<1> is_optional;
    bit<1> is_known;
    bit<8> class;
    bit<8> shade;
    bit<32> target;
}

parser IngressParser(
        packet_in packet,
        out headers_t hdr,
        out metadata_t md,
        out ingress_intrinsic_metadata_t ig_intr_md) {

    state start {
        packet.extract(ig_intr_md);
        packet.advance(PORT_METADATA_SIZE);
        packet.extract(hdr.outer);
        transition select(hdr.outer.kind, packet.lookahead<bit<8>>()) {
            (1, 0xff): parse_option;
            (1, _): parse_tag;
            (2, _): parse_inner;
            (3, _): skip;
            default: accept;
        }
    }

    @likely state parse_tag {
        packet.extract(hdr.tag);
        md.number = hdr.tag.number;
        transition select(hdr.tag.kind) {
            0 &&& 0xf0: parse_inner;
            default: parse_option;
        }
    }

    state parse_option {
        packet.extract(hdr.option);
        md.is_optional = 1;
        transition parse_inner;
    }

    @likely state skip {
        packet.advance(16);
        transition parse_inner;
    }

    @likely state parse_inner {
        packet.extract(hdr.inner);
        transition accept;
    }
}

control Ingress(
        inout headers_t hdr,
        inout metadata_t md,
        in ingress_intrinsic_metadata_t ig_intr_md,
        in ingress_intrinsic_metadata_from_parser_t ig_prsr_md,
        inout ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md,
        inout ingress_intrinsic_metadata_for_tm_t ig_tm_md) {

    Counter<bit<64>, bit<8>>(64, CounterType_t.PACKETS_AND_BYTES) classes;

    action know(bit<8> class) {
        md.is_known = 1;
        md.class = class;
    }

    action forget_tag() {
        hdr.tag.setInvalid();
        md.is_known = 1;
    }

    table sources {
        key = {
            hdr.inner.source : exact @name("source");
            md.number        : exact @name("number");
        }
        actions = {
            @likely know;
            forget_tag;
            @likely @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 64;
    }

    action class_of_tagged() { md.class = 7; }
    action class_of_optional() { md.class = 8; hdr.option.value = hdr.option.value + 1; }

    table classes_of_others {
        key = {
            hdr.tag.isValid()    : ternary @name("tag");
            hdr.option.isValid() : ternary @name("option");
            hdr.inner.kind       : ternary @name("kind");
        }
        actions = {
            class_of_tagged;
            class_of_optional;
            @defaultonly NoAction;
        }
        const entries = {
            (_, true, _)       : class_of_optional();
            (true, _, 0 &&& 1) : class_of_tagged();
        }
        const default_action = NoAction();
        size = 2;
    }

    action paint(bit<8> shade) { md.shade = shade; }
    action wash() { md.shade = 0xff; hdr.tag.setInvalid(); }

    // Behind a counter: what it will do has to be told before.
    table shades {
        key = {
            hdr.inner.kind    : ternary @name("kind");
            hdr.tag.isValid() : ternary @name("tag");
            md.number         : ternary @name("number");
        }
        actions = {
            @likely paint;
            wash;
            @defaultonly NoAction;
        }
        const entries = {
            (1 &&& 3, _, _)      : paint(1);
            (2 &&& 3, true, 0)   : wash();
            (2 &&& 3, _, _)      : paint(2);
            (3 &&& 3, true, _)   : paint(3);
        }
        const default_action = NoAction();
        size = 4;
    }

    action refuse() { ig_dprsr_md.drop_ctl = 1; }

    @unlikely table strangers {
        key = {
            hdr.outer.length : exact @name("length");
        }
        actions = {
            refuse;
            @defaultonly NoAction;
        }
        const default_action = NoAction();
        size = 16;
    }

    apply {
        md.target = hdr.inner.target;
        if (hdr.inner.isValid()) {
            sources.apply();
        }
        if (md.is_known == 0) {
            classes_of_others.apply();
        }
        if (!hdr.inner.isValid() || hdr.inner.kind == 77) {
            strangers.apply();
        }
        classes.count(md.class);
        shades.apply();
        hdr.outer.length[7:0] = md.shade;
        if (hdr.outer.hops == 0) {
            ig_dprsr_md.drop_ctl = 1;
        } else {
            hdr.outer.hops = hdr.outer.hops - 1;
        }
        if (md.class == 7 || md.is_optional == 1) {
            hdr.mark.setValid();
            hdr.mark.color = md.target[15:0];
        }
        ig_tm_md.ucast_egress_port = 1w1 ++ md.class;
    }
}

control IngressDeparser(
        packet_out packet,
        inout headers_t hdr,
        in metadata_t md,
        in ingress_intrinsic_metadata_for_deparser_t ig_dprsr_md) {

    Checksum() sum;

    apply {
        if (hdr.mark.isValid()) {
            hdr.mark.sum = sum.update({hdr.mark.color, hdr.outer.kind, hdr.outer.hops});
        }
        packet.emit(hdr);
    }
}

struct egress_headers_t {
    mark_t mark;
}

parser EgressParser(
        packet_in packet,
        out egress_headers_t hdr,
        out metadata_t md,
        out egress_intrinsic_metadata_t eg_intr_md) {

    state start {
        packet.extract(eg_intr_md);
        transition accept;
    }
}

control Egress(
        inout egress_headers_t hdr,
        inout metadata_t md,
        in egress_intrinsic_metadata_t eg_intr_md,
        in egress_intrinsic_metadata_from_parser_t eg_prsr_md,
        inout egress_intrinsic_metadata_for_deparser_t eg_dprsr_md,
        inout egress_intrinsic_metadata_for_output_port_t eg_oport_md) {

    apply {
    }
}

control EgressDeparser(
        packet_out packet,
        inout egress_headers_t hdr,
        in metadata_t md,
        in egress_intrinsic_metadata_for_deparser_t eg_dprsr_md) {

    apply {
        packet.emit(hdr);
    }
}

Pipeline(
    IngressParser(),
    Ingress(),
    IngressDeparser(),
    EgressParser(),
    Egress(),
    EgressDeparser()) pipe;

Switch(pipe) main;
