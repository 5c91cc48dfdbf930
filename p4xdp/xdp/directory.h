/* Tables that are found by their whole key: p4xdp/xdp/directory.py says how they lie in memory. */
#ifndef P4XDP_DIRECTORY_H
#define P4XDP_DIRECTORY_H

#define DIRECTORY_FACTOR 0x9E3779B97F4A7C15ULL
#define DIRECTORY_LONGEST 256 /* chain */

ALWAYS_INLINE __u32 directory_hash(const __u64 *words, int count)
{
    __u64 mixed = 0;

    _Pragma("unroll") for (int i = 0; i < count; i++) {
        mixed = (mixed ^ words[i]) * DIRECTORY_FACTOR;
        mixed ^= mixed >> 32;
    }
    return mixed * DIRECTORY_FACTOR >> 32;
}

ALWAYS_INLINE int directory_same(const __u64 *words, const __u64 *others, int count)
{
    __u64 differing = 0;

    _Pragma("unroll") for (int i = 0; i < count; i++)
        differing |= words[i] ^ others[i];
    return !differing;
}

#define DIRECTORY_AT_HOME (1U << 31)
#define DIRECTORY_WORD(cell) (*(volatile __u32 *)&(cell)->word)

/* Declares the map `name`, and `name_find`, which returns the value of a key, or null. `last_home` is
 * set when the map is sized. Most keys are at home or the first of the chain: only others take a call,
 * to a function that the verifier goes through once, as it is neither inline nor static. */
#define DIRECTORY(name, contents, key_words, octets, last_home) \
    struct name##_key { \
        __u64 words[key_words]; \
    }; \
    union name##_cell { \
        struct { \
            contents value; \
            struct name##_key key; \
            __u32 word; \
        }; \
        __u64 all[(octets) / sizeof(__u64)]; \
    }; \
    _Static_assert(sizeof(union name##_cell) == (octets), "as the control path lays it out"); \
    struct { \
        __uint(type, BPF_MAP_TYPE_ARRAY); \
        __uint(map_flags, BPF_F_MMAPABLE); \
        __uint(max_entries, 1); \
        __type(key, __u32); \
        __type(value, union name##_cell); \
    } name SEC(".maps"); \
    __attribute__((noinline)) int name##_further(const struct name##_key *key, __u32 place) \
    { \
        if (!key) \
            return 0; \
        _Pragma("nounroll") for (int step = 1; step < DIRECTORY_LONGEST; step++) { \
            union name##_cell *cell = bpf_map_lookup_elem(&name, &place); \
            if (!place || !cell) \
                return 0; \
            if (directory_same(cell->key.words, key->words, key_words)) \
                return place; \
            place = DIRECTORY_WORD(cell); \
        } \
        return 0; \
    } \
    ALWAYS_INLINE contents *name##_find(struct name##_key key) \
    { \
        __u32 place = directory_hash(key.words, key_words) & (last_home); \
        union name##_cell *cell = bpf_map_lookup_elem(&name, &place); \
        if (!cell) \
            return 0; \
        place = DIRECTORY_WORD(cell); \
        if (place & DIRECTORY_AT_HOME && directory_same(cell->key.words, key.words, key_words)) \
            return &cell->value; \
        place &= ~DIRECTORY_AT_HOME; \
        if (!place) \
            return 0; \
        cell = bpf_map_lookup_elem(&name, &place); \
        if (!cell) \
            return 0; \
        if (directory_same(cell->key.words, key.words, key_words)) \
            return &cell->value; \
        place = DIRECTORY_WORD(cell); \
        if (!place) \
            return 0; \
        struct name##_key kept = key; \
        place = name##_further(&kept, place); \
        if (!place) \
            return 0; \
        cell = bpf_map_lookup_elem(&name, &place); \
        return cell ? &cell->value : 0; \
    }

#endif
