/* What generated programs stand on: octets of packets, counters, meters, and the maps of the
 * switch itself. */
#ifndef P4XDP_RUNTIME_H
#define P4XDP_RUNTIME_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the generated code is for little-endian machines"
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Keeps the compiler from deriving a packet pointer twice: the verifier ties the outcome of a bounds
 * check to the very register that was checked. */
#define HOLD(pointer) __asm__ volatile("" : "+r"(pointer))

#define UNLIKELY(condition) (__builtin_expect(!!(condition), 0))

/* Octets between two pointers into the packet. The verifier subtracts pointers in 64 bits only, which
 * the compiler, left alone, would not do. */
ALWAYS_INLINE __u32 distance(const __u8 *from, const __u8 *to)
{
    __u64 octets = to - from;

    HOLD(octets);
    return octets;
}

/* The header is valid here: the generator has proved it, but the verifier follows only so far. */
#define REQUIRE(pointer) \
    do { if (!(pointer)) return DROPPED_INTERNAL; } while (0)

#define SIGNED(value, width) ((__s64)((__u64)(value) << (64 - (width))) >> (64 - (width)))

typedef unsigned __int128 u128;
typedef u128 __attribute__((aligned(8))) u128_in_map;

#define SIGNED_WIDE(value, width) ((__int128)((u128)(value) << (128 - (width))) >> (128 - (width)))

typedef __u16 __attribute__((may_alias)) u16_in_packet;
typedef __u32 __attribute__((may_alias)) u32_in_packet;
typedef __u64 __attribute__((may_alias)) u64_in_packet;

/* Big-endian numbers in a packet. */
#define LOAD8(at) (*(const __u8 *)(at))
#define LOAD16(at) __builtin_bswap16(*(const u16_in_packet *)(at))
#define LOAD24(at) ((__u32)LOAD16(at) << 8 | LOAD8((at) + 2))
#define LOAD32(at) __builtin_bswap32(*(const u32_in_packet *)(at))
#define LOAD40(at) ((__u64)LOAD32(at) << 8 | LOAD8((at) + 4))
#define LOAD48(at) ((__u64)LOAD32(at) << 16 | LOAD16((at) + 4))
#define LOAD56(at) (LOAD48(at) << 8 | LOAD8((at) + 6))
#define LOAD64(at) __builtin_bswap64(*(const u64_in_packet *)(at))
/* 64 bits and the `rest` before them. */
#define LOAD_WIDE(rest, at) ((u128)LOAD##rest(at) << 64 | LOAD64((at) + rest / 8))

#define STORE8(at, value) (*(__u8 *)(at) = (__u8)(value))
#define STORE16(at, value) (*(u16_in_packet *)(at) = __builtin_bswap16((__u16)(value)))
#define STORE24(at, value) \
    do { __u32 v_ = (value); STORE16(at, v_ >> 8); STORE8((at) + 2, v_); } while (0)
#define STORE32(at, value) (*(u32_in_packet *)(at) = __builtin_bswap32((__u32)(value)))
#define STORE40(at, value) \
    do { __u64 v_ = (value); STORE32(at, v_ >> 8); STORE8((at) + 4, v_); } while (0)
#define STORE48(at, value) \
    do { __u64 v_ = (value); STORE32(at, v_ >> 16); STORE16((at) + 4, v_); } while (0)
#define STORE56(at, value) \
    do { __u64 v_ = (value); STORE48(at, v_ >> 8); STORE8((at) + 6, v_); } while (0)
#define STORE64(at, value) (*(u64_in_packet *)(at) = __builtin_bswap64(value))
#define STORE_WIDE(rest, at, value) \
    do { \
        u128 w_ = (value); \
        STORE##rest(at, (__u64)(w_ >> 64)); \
        STORE64((at) + rest / 8, (__u64)w_); \
    } while (0)

/* Octets that only move, in whatever order they are. */
#define COPY1(at) (*(const __u8 *)(at))
#define COPY2(at) (*(const u16_in_packet *)(at))
#define COPY4(at) (*(const u32_in_packet *)(at))
#define COPY8(at) (*(const u64_in_packet *)(at))
#define PASTE1(at, value) (*(__u8 *)(at) = (value))
#define PASTE2(at, value) (*(u16_in_packet *)(at) = (value))
#define PASTE4(at, value) (*(u32_in_packet *)(at) = (value))
#define PASTE8(at, value) (*(u64_in_packet *)(at) = (value))

/* `value` within the limits of a signed number of `width` bits. */
ALWAYS_INLINE __s64 saturated(__s64 value, int width)
{
    __s64 limit = 1LL << (width - 1);

    return value < -limit ? -limit : value >= limit ? limit - 1 : value;
}

ALWAYS_INLINE __u64 octets_of(__u32 length, __u32 adjust)
{
    return length > adjust ? length - adjust : 0;
}

/* Ones' complement sum of 16-bit words, not more than 65,537 of them. */
ALWAYS_INLINE __u16 checksum_of(__u32 sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)~sum;
}

/* --- set before loading, and while running ------------------------------------------------------ */

#define PORTS 512

struct switch_settings {
    __u32 cpu_port;
    __u32 host_port;
    __u64 recirculation_ports[PORTS / 64]; /* a bit each */
    __u32 has_recirculation;
    __u32 is_test;
};

const volatile struct switch_settings switch_settings SEC(".rodata.switch");

#define INJECTED_HEAD 128

/* What a test sets and sees. `head` and `length` are of the frame of a benchmark. */
struct switch_injection {
    __u64 now_ns; /* 0: the real time */
    __u32 ingress_port;
    __s32 outcome; /* the port the packet leaves by, or one of the negative values below */
    __u64 head[INJECTED_HEAD / 8];
    __u32 length;
};

volatile struct switch_injection switch_injection SEC(".data.switch") = {};

ALWAYS_INLINE __u64 clock_ns(void)
{
    __u64 now_ns = switch_settings.is_test ? switch_injection.now_ns : 0;

    return now_ns ? now_ns : bpf_ktime_get_ns();
}

/* One reading of the clock a packet, and none if nobody asks. */
#define NOW_NS() (now_ns ? now_ns : (now_ns = clock_ns()))

/* --- why the switch itself drops ------------------------------------------------------------------ */

enum switch_drop {
    DROPPED_BY_PROGRAM = -1, /* not counted here: the program has its own counters */
    DROPPED_NO_INGRESS_PORT = -2,
    DROPPED_NO_EGRESS_PORT = -3,
    DROPPED_CONTROLLER_BUSY = -4, /* the ring to the controller is full */
    DROPPED_TOO_LONG = -5,        /* for the controller */
    DROPPED_NO_HEADROOM = -6,
    DROPPED_INTERNAL = -7, /* bounds the generator promises; stays 0 */
    DROPPED_REGISTER_BUSY = -8, /* other processors were faster each of so many times */
    DROPPED_RECIRCULATED_TWICE = -9,
    DROPPED_MISPARSED = -10, /* egress would extract another header than ingress emitted */
    /* Copies: the packets themselves go on. */
    DROPPED_NO_CLONE_SESSION = -11,
    DROPPED_COPIES_BUSY = -12, /* the ring of copies is full */
    DROPPED_COPY_TOO_LONG = -13,
    DROPPED_MIRRORED_TWICE = -14, /* a copy is not copied again */
    DROPPED_DIGESTS_BUSY = -15,   /* the ring of digests is full: the packet goes on */
};

#define SWITCH_DROP_REASONS 16

/* No outcome: the packet is on no likely way. */
#define ANY_PACKET (-1000)

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, SWITCH_DROP_REASONS);
    __type(key, __u32);
    __type(value, __u64);
} switch_drops SEC(".maps");

ALWAYS_INLINE void count_switch_drop(enum switch_drop reason)
{
    __u32 index = (__u32)-reason;
    __u64 *packets = bpf_map_lookup_elem(&switch_drops, &index);

    if (packets)
        *packets += 1;
}

/* --- what has no room on the stack --------------------------------------------------------------- */

/* What is known of a packet: `kind`_state decides its way, and `kind`_carried is what only entries say,
 * and what is only carried. On likely ways both are local. One a CPU: nothing else runs a pipeline
 * there before this one ends. */
#define SCRATCHPAD(name, kind) \
    struct kind##_pad { \
        struct kind##_state state; \
        struct kind##_carried carried; \
    }; \
    struct { \
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); \
        __uint(max_entries, 1); \
        __type(key, __u32); \
        __type(value, struct kind##_pad); \
    } name SEC(".maps")

#define CARRIED(name, kind) \
    __u32 only_pad = 0; \
    struct kind##_pad *pad = bpf_map_lookup_elem(&name, &only_pad); \
    if (!pad) \
        return DROPPED_INTERNAL; \
    struct kind##_carried *carried = &pad->carried; \
    __builtin_memset(carried, 0, sizeof(*carried))

#define STATE_AND_CARRIED(name, kind) \
    CARRIED(name, kind); \
    struct kind##_state *packet = &pad->state; \
    __builtin_memset(packet, 0, sizeof(*packet))

/* Makes the verifier forget the value: by way of memory, of which it knows nothing. Else every way to
 * here, each with a value of its own, would be another one through all that follows. */
#define UNKNOWN(variable, memory) \
    do { \
        *(volatile typeof(memory) *)&(memory) = (variable); \
        (variable) = *(volatile typeof(memory) *)&(memory); \
    } while (0)

/* Further than any header lies. */
#define MOST_OFFSET 0x7ff

/* Lets `pointer` point to the `octets` that lie at an offset in the frame. */
#define REACH(pointer, offset, octets) \
    do { \
        pointer = data + ((offset) & MOST_OFFSET); \
        HOLD(pointer); \
        if (pointer + (octets) > data_end) return DROPPED_INTERNAL; \
    } while (0)

/* Likewise of a header as it came. On a likely way its place is known when this is compiled, and it
 * has been found to be in the frame. */
#define FIND(pointer, offset, octets) \
    do { \
        if (is_placed) \
            pointer = data + (offset); \
        else \
            REACH(pointer, offset, octets); \
    } while (0)

/* Likewise of a header that may be invalid: then it is null. */
#define SEEK(pointer, is_valid, offset, octets) \
    do { \
        pointer = 0; \
        if (is_valid) FIND(pointer, offset, octets); \
    } while (0)

/* Makes the verifier, which knows all of the way here, forget it: ways that meet are one from here. */
#define FORGET() \
    do { \
        packet->cursor_at = distance(data, cursor); \
        __asm__ volatile("" ::: "memory"); \
        data = (__u8 *)(long)ctx->data; \
        data_end = (__u8 *)(long)ctx->data_end; \
    } while (0)

/* --- tables ---------------------------------------------------------------------------------------- */

/* The entry in force of a cell of an array table, or null. */
#define ACTIVE(cell) \
    ({ \
        __u32 active_ = *(volatile __u32 *)&(cell)->active; \
        active_ ? &(cell)->entries[active_ == 2] : 0; \
    })

/* The rules of a scanned table lie in two banks, highest priority first. A writer fills the idle one,
 * then changes `active`. */
struct rule_banks {
    __u32 active;
    __u32 unused;
    struct {
        __u32 first;
        __u32 count;
    } banks[2];
};

#define RULE_BANKS(name) \
    struct { \
        __uint(type, BPF_MAP_TYPE_ARRAY); \
        __uint(map_flags, BPF_F_MMAPABLE); \
        __uint(max_entries, 1); \
        __type(key, __u32); \
        __type(value, struct rule_banks); \
    } name SEC(".maps")

/* Of a table in groups: the first rule of a group, which tells the next. 0 is none. */
struct rule_group {
    __u32 first;
    __u32 unused;
};

#define NO_RULE -1

/* Whether a number of at most 63 bits is outside a range: then one of the differences is negative. */
#define OUTSIDE(value, low, high) (((value) - (low) | (high) - (value)) >> 63)

/* Of 64 bits: the borrows of the differences. */
#define OUTSIDE_WIDE(value, low, high) (BORROW(value, low) | BORROW(high, value))
#define BORROW(from, less) (((~(from) & (less)) | (~((from) ^ (less)) & ((from) - (less)))) >> 63)

/* --- counters ----------------------------------------------------------------------------------- */

struct counter_cell {
    __u64 packets;
    __u64 octets;
};

/* So many cells for each CPU one after the other: counting shares nothing. Sized when loaded. */
#define COUNTER(name) \
    struct { \
        __uint(type, BPF_MAP_TYPE_ARRAY); \
        __uint(map_flags, BPF_F_MMAPABLE); \
        __uint(max_entries, 1); \
        __type(key, __u32); \
        __type(value, struct counter_cell); \
    } name SEC(".maps")

ALWAYS_INLINE void count(void *counter, __u32 cells_a_cpu, __u32 index, __u64 octets)
{
    __u32 place = bpf_get_smp_processor_id() * cells_a_cpu + index;
    struct counter_cell *cell;

    if (index >= cells_a_cpu)
        return;
    cell = bpf_map_lookup_elem(counter, &place);
    if (cell) {
        cell->packets += 1;
        cell->octets += octets;
    }
}

/* --- meters: p4xdp/metering.py says what is computed ------------------------------------------------ */

struct meter_bucket {
    __u64 cost_per_unit; /* 2^-24 ns; 0: nothing conforms */
    __u64 depth;         /* ticks of 2^-6 ns */
};

struct meter_config {
    struct meter_bucket peak;
    struct meter_bucket committed;
};

/* The configuration in force is the one `active` names: 0 none, 1 and 2 the slots. A writer fills the
 * idle slot, then changes `active`. State and first slot share a cache line. */
struct meter_cell {
    __u64 peak_tat;
    __u64 committed_tat;
    __u32 active;
    __u32 unused;
    struct meter_config first;
    __u64 unused_end_of_line;
    struct meter_config second;
    __u64 told[4]; /* by the controller: what the active slot was computed from, to be read back */
};

_Static_assert(sizeof(struct meter_cell) == 128, "two cache lines");

#define METER(name, cells) \
    struct { \
        __uint(type, BPF_MAP_TYPE_ARRAY); \
        __uint(map_flags, BPF_F_MMAPABLE); \
        __uint(max_entries, cells); \
        __type(key, __u32); \
        __type(value, struct meter_cell); \
    } name SEC(".maps")

enum meter_color { GREEN = 0, YELLOW = 1, RED = 3 };

#define METER_TICK_SHIFT 6
#define METER_TICKS_FROM_COST 18
#define METER_TRIES 16

ALWAYS_INLINE int meter_conforms(__u64 *tat, const struct meter_bucket *bucket, __u64 units, __u64 now)
{
    __u64 cost_per_unit = bucket->cost_per_unit;
    __u64 cost, seen;

    if (!cost_per_unit)
        return 0;
    cost = (units * cost_per_unit + (1ULL << (METER_TICKS_FROM_COST - 1))) >> METER_TICKS_FROM_COST;
    seen = *(volatile __u64 *)tat;
    for (int tries = 0; tries < METER_TRIES; tries++) {
        __u64 next = (seen > now ? seen : now) + cost;
        __u64 before;

        if (next - now > bucket->depth)
            return 0;
        before = __sync_val_compare_and_swap(tat, seen, next);
        if (before == seen)
            return 1;
        seen = before;
    }
    /* So many processors at once on one cell: let it pass uncharged rather than drop. */
    return 1;
}

/* Not inline and not static, so that the verifier goes through it once, not once for every way to it. */
__attribute__((noinline)) int meter_execute(
    struct meter_cell *cell, __u64 units, __u64 now_ns, __u32 color)
{
    __u64 now = now_ns << METER_TICK_SHIFT;
    const struct meter_config *config;

    if (!cell)
        return color;
    config = *(volatile __u32 *)&cell->active == 2 ? &cell->second : &cell->first;
    if (color == RED || !meter_conforms(&cell->peak_tat, &config->peak, units, now))
        return RED;
    if (color != GREEN || !meter_conforms(&cell->committed_tat, &config->committed, units, now))
        return YELLOW;
    return GREEN;
}

/* The cell, if it is configured. */
ALWAYS_INLINE struct meter_cell *meter_at(void *meter, __u32 index)
{
    struct meter_cell *cell = bpf_map_lookup_elem(meter, &index);

    return cell && *(volatile __u32 *)&cell->active ? cell : 0;
}

/* --- registers ------------------------------------------------------------------------------------- */

/* A cell is one word, so that processors change both its fields in one step. */
#define REGISTER(name, cells) \
    struct { \
        __uint(type, BPF_MAP_TYPE_ARRAY); \
        __uint(map_flags, BPF_F_MMAPABLE); \
        __uint(max_entries, cells); \
        __type(key, __u32); \
        __type(value, __u64); \
    } name SEC(".maps")

#define REGISTER_TRIES 32

ALWAYS_INLINE __u64 *register_at(void *array, __u32 index)
{
    return bpf_map_lookup_elem(array, &index);
}

/* Puts `next` where `*seen` was; else sees what is there now, and returns 0. */
ALWAYS_INLINE int register_put(__u64 *cell, __u64 *seen, __u64 next)
{
    __u64 before = *seen;

    if (next == before)
        return 1;
    *seen = __sync_val_compare_and_swap(cell, before, next);
    return *seen == before;
}

#endif
