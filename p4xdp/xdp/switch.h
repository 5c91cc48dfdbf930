/* The switch around the pipeline: how packets come in and where they leave. Included behind the
 * generated `pipeline`. */
#ifndef P4XDP_SWITCH_H
#define P4XDP_SWITCH_H

/* Programs are loaded when they are wanted: hence the question marks. */

/* Interface index to port number + 1; 0 is no port. Sized when loaded. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} switch_ports SEC(".maps");

/* Port number to interface. */
struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __uint(max_entries, PORTS);
    __type(key, __u32);
    __type(value, __u32);
} switch_links SEC(".maps");

/* Frames for the controller: a length of 32 bits, then the frame. */
struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 22);
} switch_ring SEC(".maps");

#define RING_SHORT 2048
#define RING_LONG 10240

struct ring_short {
    __u32 length;
    __u8 frame[RING_SHORT];
};

struct ring_long {
    __u32 length;
    __u8 frame[RING_LONG];
};

#define SEND_TO_RING(ctx, type, most, length_of_frame) \
    do { \
        __u32 octets = (length_of_frame); \
        struct type *record = bpf_ringbuf_reserve(&switch_ring, sizeof(*record), 0); \
        if (!record) \
            return DROPPED_CONTROLLER_BUSY; \
        HOLD(octets); \
        if (octets == 0 || octets > (most) || bpf_xdp_load_bytes(ctx, 0, record->frame, octets)) { \
            bpf_ringbuf_discard(record, 0); \
            return DROPPED_INTERNAL; \
        } \
        record->length = octets; \
        bpf_ringbuf_submit(record, 0); \
    } while (0)

static __attribute__((noinline)) int send_to_controller(struct xdp_md *ctx)
{
    __u32 length = bpf_xdp_get_buff_len(ctx);

    if (length > RING_LONG)
        return DROPPED_TOO_LONG;
    if (length > RING_SHORT)
        SEND_TO_RING(ctx, ring_long, RING_LONG, length);
    else
        SEND_TO_RING(ctx, ring_short, RING_SHORT, length);
    return 0;
}

ALWAYS_INLINE int drop(int reason)
{
    if (reason != DROPPED_BY_PROGRAM)
        count_switch_drop(reason);
    return XDP_DROP;
}

/* `outcome` is a port number, or why there is none. */
ALWAYS_INLINE int leave(struct xdp_md *ctx, int outcome)
{
    int verdict;

    if (outcome < 0)
        return drop(outcome);
    if (outcome == switch_settings.host_port)
        return XDP_PASS;
    if (outcome == switch_settings.cpu_port) {
        outcome = send_to_controller(ctx);
        return outcome ? drop(outcome) : XDP_DROP;
    }
    verdict = bpf_redirect_map(&switch_links, outcome, XDP_DROP);
    return verdict == XDP_REDIRECT ? XDP_REDIRECT : drop(DROPPED_NO_EGRESS_PORT);
}

/* --- entering, and going through the program once more -------------------------------------------- */

enum entrance { FROM_OUTSIDE, FROM_TEST, FROM_BENCHMARK };

struct recirculated {
    __u32 port;
    enum entrance entrance;
    __u32 is_copy;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct recirculated);
} switch_recirculated SEC(".maps");

/* from_recirculation, if any port is for that. */
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} switch_programs SEC(".maps");

ALWAYS_INLINE int recirculates(int outcome)
{
    __u32 port = outcome; /* what is no port is beyond them all */
    __u32 word = port / 64;

    HOLD(word); /* bounded where it is used, whatever the compiler knows of it */
    word %= PORTS / 64;
    return port < PORTS && switch_settings.recirculation_ports[word] >> (port % 64) & 1;
}

/* The frame is put back, so that every round of a benchmark sees the same. */
ALWAYS_INLINE int restore(struct xdp_md *ctx)
{
    int longer = (int)bpf_xdp_get_buff_len(ctx) - (int)switch_injection.length;
    __u8 *data, *data_end;

    if (longer && bpf_xdp_adjust_head(ctx, longer))
        return XDP_ABORTED;
    data = (__u8 *)(long)ctx->data;
    data_end = (__u8 *)(long)ctx->data_end;
    if (data + INJECTED_HEAD > data_end)
        return XDP_ABORTED;
    for (int word = 0; word < INJECTED_HEAD / 8; word++)
        PASTE8(data + 8 * word, switch_injection.head[word]);
    return XDP_PASS;
}

/* Tests see what would become of the packet, which goes nowhere. */
ALWAYS_INLINE int finish(struct xdp_md *ctx, int outcome, enum entrance entrance)
{
    if (entrance == FROM_OUTSIDE)
        return leave(ctx, outcome);
    switch_injection.outcome = outcome;
    return entrance == FROM_BENCHMARK ? restore(ctx) : XDP_PASS;
}

/* What is sent to a recirculation port is processed once more, as received there, by another program:
 * that is no call, so those that leave at once do not pay for it. */
ALWAYS_INLINE int finish_or_recirculate(
    struct xdp_md *ctx, int outcome, enum entrance entrance, __u32 is_copy)
{
    struct recirculated *again;
    __u32 only = 0;

    if (!switch_settings.has_recirculation || !recirculates(outcome))
        return finish(ctx, outcome, entrance);
    again = bpf_map_lookup_elem(&switch_recirculated, &only);
    if (again) {
        again->port = outcome;
        again->entrance = entrance;
        again->is_copy = is_copy;
        bpf_tail_call(ctx, &switch_programs, 0);
    }
    return finish(ctx, DROPPED_INTERNAL, entrance);
}

ALWAYS_INLINE int process_injected(struct xdp_md *ctx, enum entrance entrance)
{
    int outcome = pipeline(ctx, switch_injection.ingress_port, 0);

    return finish_or_recirculate(ctx, outcome, entrance, 0);
}

SEC("?xdp.frags")
int from_recirculation(struct xdp_md *ctx)
{
    __u32 only = 0;
    struct recirculated *again = bpf_map_lookup_elem(&switch_recirculated, &only);
    enum entrance entrance;
    int outcome;

    if (!again)
        return XDP_ABORTED;
    entrance = again->entrance;
    outcome = any_packet(ctx, again->port, again->is_copy);
    return finish(ctx, recirculates(outcome) ? DROPPED_RECIRCULATED_TWICE : outcome, entrance);
}

SEC("?xdp.frags")
int from_wire(struct xdp_md *ctx)
{
    __u32 ifindex = ctx->ingress_ifindex;
    __u32 *port = bpf_map_lookup_elem(&switch_ports, &ifindex);

    if (!port || !*port)
        return drop(DROPPED_NO_INGRESS_PORT);
    return finish_or_recirculate(ctx, pipeline(ctx, *port - 1, 0), FROM_OUTSIDE, 0);
}

/* Run by the P4Runtime server for a packet-out. */
SEC("?xdp.frags")
int from_controller(struct xdp_md *ctx)
{
    int outcome = any_packet(ctx, switch_settings.cpu_port, 0);

    return finish_or_recirculate(ctx, outcome, FROM_OUTSIDE, 0);
}

/* Run by tests and benchmarks: the packet comes in by any port. */
SEC("?xdp.frags")
int from_test(struct xdp_md *ctx)
{
    return process_injected(ctx, FROM_TEST);
}

SEC("?xdp.frags")
int from_benchmark(struct xdp_md *ctx)
{
    return process_injected(ctx, FROM_BENCHMARK);
}

#endif
