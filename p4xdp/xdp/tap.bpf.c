/* Shows frames as a port receives them, then has the switch's own program deal with them. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define MOST_OCTETS 2048 /* of a frame that are shown */
#define MOST_PATTERNS 4
#define LAST_OFFSET 176 /* where a pattern may begin */

struct pattern {
    __u64 octets;
    __u64 mask;
};

/* A frame is shown if all patterns are found in it, wherever. Set before loading. */
const volatile struct {
    __u64 num_patterns;
    struct pattern patterns[MOST_PATTERNS];
} wanted SEC(".rodata.tap") = {};

struct shown {
    __u32 length; /* of the frame */
    __u32 taken;  /* octets that follow */
    __u8 octets[MOST_OCTETS];
};

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 20);
} tap_ring SEC(".maps");

/* Frames that came by, and those of them that were wanted but had no room in the ring. */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, __u64);
} tap_counts SEC(".maps");

/* The program that deals with them. */
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, __u32);
} tap_next SEC(".maps");

static __always_inline void count(__u32 which)
{
    __u64 *frames = bpf_map_lookup_elem(&tap_counts, &which);

    if (frames)
        *frames += 1;
}

static __always_inline int holds(const struct shown *shown, const volatile struct pattern *pattern)
{
    for (int offset = 0; offset <= LAST_OFFSET; offset++) {
        __u64 here;

        __builtin_memcpy(&here, shown->octets + offset, sizeof(here));
        if ((here & pattern->mask) == pattern->octets)
            return 1;
    }
    return 0;
}

static __always_inline int is_wanted(const struct shown *shown)
{
    for (__u32 number = 0; number < MOST_PATTERNS; number++)
        if (number < wanted.num_patterns && !holds(shown, &wanted.patterns[number]))
            return 0;
    return 1;
}

static __always_inline void show(struct xdp_md *ctx)
{
    __u32 length = bpf_xdp_get_buff_len(ctx);
    __u32 octets = length > MOST_OCTETS ? MOST_OCTETS : length;
    struct shown *shown;

    count(0);
    shown = bpf_ringbuf_reserve(&tap_ring, sizeof(*shown), 0);
    if (!shown) {
        count(1);
        return;
    }
    shown->length = length;
    shown->taken = octets;
    asm volatile("" : "+r"(octets)); /* bounded where it is used, whatever the compiler knows */
    if (octets && octets <= MOST_OCTETS && !bpf_xdp_load_bytes(ctx, 0, shown->octets, octets) &&
        is_wanted(shown))
        bpf_ringbuf_submit(shown, BPF_RB_NO_WAKEUP);
    else
        bpf_ringbuf_discard(shown, BPF_RB_NO_WAKEUP);
}

SEC("xdp.frags")
int tap(struct xdp_md *ctx)
{
    show(ctx);
    bpf_tail_call(ctx, &tap_next, 0);
    return XDP_ABORTED; /* there is no program: whoever set it has gone, and the ports with it */
}

char _license[] SEC("license") = "GPL";
