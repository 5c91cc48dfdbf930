/* What stands around the program that is measured: frames in, a forwarder that does nothing else,
 * and the end of the way. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define MOST_FRAMES 262144
#define LONG_HEAD 120 /* further than any program here writes, for frames with a tunnel */
#define SHORT_HEAD 72 /* likewise for others */

struct head {
    __u64 words[LONG_HEAD / 8];
};

/* The frames that are sent, as far as they differ or are changed on the way. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, MOST_FRAMES);
    __type(key, __u32);
    __type(value, struct head);
} heads SEC(".maps");

/* 1 and 2: where the bare forwarder sends what came in by 2 and 1. The others: where frames begin. */
struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __uint(max_entries, 8);
    __type(key, __u32);
    __type(value, __u32);
} links SEC(".maps");

/* Of each CPU, so that they send apart; all of a frame's way is on one. */
struct traffic {
    __u64 frames; /* how many different ones, from `first` on */
    __u64 first;
    __u64 into; /* the link */
    __u64 arrived;
    __u64 unused[4];
};

#define MOST_CPUS 64

struct traffic traffic[MOST_CPUS] SEC(".data.traffic") = {};

#define OWN_TRAFFIC (&traffic[bpf_get_smp_processor_id() % MOST_CPUS])

static __always_inline int send(struct xdp_md *ctx, int octets)
{
    __u8 *data = (__u8 *)(long)ctx->data;
    __u8 *data_end = (__u8 *)(long)ctx->data_end;
    struct traffic *own = OWN_TRAFFIC;
    __u32 index = own->first;
    struct head *head;

    if (own->frames > 1)
        index += bpf_get_prandom_u32() * own->frames >> 32;
    head = bpf_map_lookup_elem(&heads, &index);
    if (!head || data + octets > data_end)
        return XDP_ABORTED;
#pragma unroll
    for (int word = 0; word < octets / 8; word++)
        ((__u64 *)data)[word] = head->words[word];
    return bpf_redirect_map(&links, own->into, XDP_ABORTED);
}

SEC("xdp.frags")
int send_long(struct xdp_md *ctx)
{
    return send(ctx, LONG_HEAD);
}

SEC("xdp.frags")
int send_short(struct xdp_md *ctx)
{
    return send(ctx, SHORT_HEAD);
}

/* The bare forwarder, one direction each. */
SEC("xdp.frags")
int redirect_1(struct xdp_md *ctx)
{
    return bpf_redirect_map(&links, 1, XDP_DROP);
}

SEC("xdp.frags")
int redirect_2(struct xdp_md *ctx)
{
    return bpf_redirect_map(&links, 2, XDP_DROP);
}

SEC("xdp.frags")
int arrive(struct xdp_md *ctx)
{
    OWN_TRAFFIC->arrived++;
    return XDP_DROP;
}

char _license[] SEC("license") = "GPL";
