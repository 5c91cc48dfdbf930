/* How copies enter. Included behind switch.h and the generated `copied`. */
#ifndef P4XDP_COPIES_H
#define P4XDP_COPIES_H

/* In front of a copy, by the switch process. */
struct copy_head {
    __u32 port;
    __u16 instance;
    __u16 is_test;
};

SEC("?xdp.frags")
int from_copy(struct xdp_md *ctx)
{
    struct copy_head head;
    int outcome;

    if (bpf_xdp_load_bytes(ctx, 0, &head, sizeof(head)) || bpf_xdp_adjust_head(ctx, sizeof(head)))
        return XDP_ABORTED;
    outcome = copied(ctx, head.port, head.instance);
    return finish_or_recirculate(ctx, outcome, head.is_test ? FROM_TEST : FROM_OUTSIDE, 1);
}

#endif
