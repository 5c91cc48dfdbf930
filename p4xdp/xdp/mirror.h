/* Copies of packets. What is mirrored waits in a ring, with the header it was mirrored with, until the
 * switch process sends it through egress, once for each replica of its clone session. Included before
 * the generated `pipeline`. */
#ifndef P4XDP_MIRROR_H
#define P4XDP_MIRROR_H

#define CLONE_SESSIONS 1024

/* As the control path lays it out. */
struct clone_session {
    __u32 is_there;
    __u32 most_octets; /* of the frame; 0 is all */
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, CLONE_SESSIONS);
    __type(key, __u32);
    __type(value, struct clone_session);
} switch_clone_sessions SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 22);
} switch_copies SEC(".maps");

#define MIRRORED_HEADER 64
#define COPY_SHORT 2048
#define COPY_LONG 10240

/* As the switch process reads it, the frame behind it. */
struct mirrored {
    __u32 session;
    __u32 header_octets;
    __u32 frame_octets;
    __u8 header[MIRRORED_HEADER];
};

struct copy_short {
    struct mirrored mirrored;
    __u8 frame[COPY_SHORT];
};

struct copy_long {
    struct mirrored mirrored;
    __u8 frame[COPY_LONG];
};

/* What the deparser wants mirrored. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct mirrored);
} switch_mirrored SEC(".maps");

ALWAYS_INLINE struct mirrored *mirrored_packet(void)
{
    __u32 only = 0;

    return bpf_map_lookup_elem(&switch_mirrored, &only);
}

#define SEND_COPY(type, most) \
    do { \
        struct type *record = bpf_ringbuf_reserve(&switch_copies, sizeof(*record), 0); \
        if (!record) \
            return DROPPED_COPIES_BUSY; \
        record->mirrored = *mirrored; \
        record->mirrored.frame_octets = octets; \
        HOLD(octets); \
        if (octets == 0 || octets > (most) || bpf_xdp_load_bytes(ctx, 0, record->frame, octets)) { \
            bpf_ringbuf_discard(record, 0); \
            return DROPPED_INTERNAL; \
        } \
        bpf_ringbuf_submit(record, 0); \
    } while (0)

static __attribute__((noinline)) int try_copy(struct xdp_md *ctx)
{
    struct mirrored *mirrored = mirrored_packet();
    __u32 octets = bpf_xdp_get_buff_len(ctx);
    struct clone_session *clones;
    __u32 session;

    if (!mirrored)
        return DROPPED_INTERNAL;
    session = mirrored->session;
    clones = bpf_map_lookup_elem(&switch_clone_sessions, &session);
    if (!clones || !clones->is_there)
        return DROPPED_NO_CLONE_SESSION;
    if (clones->most_octets && octets > clones->most_octets)
        octets = clones->most_octets;
    if (octets > COPY_LONG)
        return DROPPED_COPY_TOO_LONG;
    if (octets > COPY_SHORT)
        SEND_COPY(copy_long, COPY_LONG);
    else
        SEND_COPY(copy_short, COPY_SHORT);
    return 0;
}

/* The frame as it is now, to the session and with the header of `switch_mirrored`. */
ALWAYS_INLINE void copy_frame(struct xdp_md *ctx)
{
    int refused = try_copy(ctx);

    if (refused)
        count_switch_drop(refused);
}

#endif
