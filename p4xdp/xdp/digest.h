/* Digests: values for the controller, which wait in a ring for the switch process. Included before the
 * generated `pipeline`. */
#ifndef P4XDP_DIGEST_H
#define P4XDP_DIGEST_H

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 1 << 20);
} switch_digests SEC(".maps");

#define DIGEST_OCTETS 64

/* As the switch process reads it. */
struct digest_record {
    __u32 digest; /* its number in the program */
    __u8 values[DIGEST_OCTETS]; /* each in whole octets */
};

ALWAYS_INLINE struct digest_record *begin_digest(void)
{
    struct digest_record *record;

    record = bpf_ringbuf_reserve(&switch_digests, sizeof(*record), 0);
    if (!record)
        count_switch_drop(DROPPED_DIGESTS_BUSY);
    return record;
}

#endif
