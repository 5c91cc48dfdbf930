/* Cyclic redundancy checks for programs that hash: eight octets in one step. The code is linear, so
 * that of several octets is the sum of what each contributes from its place. */
#ifndef P4XDP_HASH_H
#define P4XDP_HASH_H

/* From what each bit of an octet contributes to what each of its 256 values does. */
#define SUM(octet, a, b, c, d, e, f, g, h) \
    (((octet) & 1 ? a : 0) ^ ((octet) & 2 ? b : 0) ^ ((octet) & 4 ? c : 0) ^ ((octet) & 8 ? d : 0) ^ \
     ((octet) & 16 ? e : 0) ^ ((octet) & 32 ? f : 0) ^ ((octet) & 64 ? g : 0) ^ ((octet) & 128 ? h : 0))
#define SUMS_4(octet, ...) \
    SUM(octet, __VA_ARGS__), SUM(octet + 1, __VA_ARGS__), SUM(octet + 2, __VA_ARGS__), \
    SUM(octet + 3, __VA_ARGS__)
#define SUMS_16(octet, ...) \
    SUMS_4(octet, __VA_ARGS__), SUMS_4(octet + 4, __VA_ARGS__), SUMS_4(octet + 8, __VA_ARGS__), \
    SUMS_4(octet + 12, __VA_ARGS__)
#define SUMS_64(octet, ...) \
    SUMS_16(octet, __VA_ARGS__), SUMS_16(octet + 16, __VA_ARGS__), SUMS_16(octet + 32, __VA_ARGS__), \
    SUMS_16(octet + 48, __VA_ARGS__)
#define ROW(...) \
    { SUMS_64(0, __VA_ARGS__), SUMS_64(64, __VA_ARGS__), SUMS_64(128, __VA_ARGS__), \
      SUMS_64(192, __VA_ARGS__) }

/* The first row is of octets at the end, the next of those with one octet behind them, and so on. */
static const __u16 crc16_of[8][256] = {
    ROW(0xc0c1, 0xc181, 0xc301, 0xc601, 0xcc01, 0xd801, 0xf001, 0xa001),
    ROW(0x9001, 0x6001, 0xc002, 0xc007, 0xc00d, 0xc019, 0xc031, 0xc061),
    ROW(0xc051, 0xc0a1, 0xc141, 0xc281, 0xc501, 0xca01, 0xd401, 0xe801),
    ROW(0xfc01, 0xb801, 0x3001, 0x6002, 0xc004, 0xc00b, 0xc015, 0xc029),
    ROW(0xc03d, 0xc079, 0xc0f1, 0xc1e1, 0xc3c1, 0xc781, 0xcf01, 0xde01),
    ROW(0xd101, 0xe201, 0x8401, 0x4801, 0x9002, 0x6007, 0xc00e, 0xc01f),
    ROW(0xc010, 0xc023, 0xc045, 0xc089, 0xc111, 0xc221, 0xc441, 0xc881),
    ROW(0xccc1, 0xd981, 0xf301, 0xa601, 0x0c01, 0x1802, 0x3004, 0x6008),
};

static const __u32 crc32_of[8][256] = {
    ROW(0x77073096, 0xee0e612c, 0x076dc419, 0x0edb8832, 0x1db71064, 0x3b6e20c8, 0x76dc4190, 0xedb88320),
    ROW(0x191b3141, 0x32366282, 0x646cc504, 0xc8d98a08, 0x4ac21251, 0x958424a2, 0xf0794f05, 0x3b83984b),
    ROW(0x01c26a37, 0x0384d46e, 0x0709a8dc, 0x0e1351b8, 0x1c26a370, 0x384d46e0, 0x709a8dc0, 0xe1351b80),
    ROW(0xb8bc6765, 0xaa09c88b, 0x8f629757, 0xc5b428ef, 0x5019579f, 0xa032af3e, 0x9b14583d, 0xed59b63b),
    ROW(0x3d6029b0, 0x7ac05360, 0xf580a6c0, 0x30704bc1, 0x60e09782, 0xc1c12f04, 0x58f35849, 0xb1e6b092),
    ROW(0xcb5cd3a5, 0x4dc8a10b, 0x9b914216, 0xec53826d, 0x03d6029b, 0x07ac0536, 0x0f580a6c, 0x1eb014d8),
    ROW(0xa6770bb4, 0x979f1129, 0xf44f2413, 0x33ef4e67, 0x67de9cce, 0xcfbd399c, 0x440b7579, 0x8816eaf2),
    ROW(0xccaa009e, 0x4225077d, 0x844a0efa, 0xd3e51bb5, 0x7cbb312b, 0xf9766256, 0x299dc2ed, 0x533b85da),
};

/* Goes on from `crc` with the first `count` octets, 1 to 8, from the high end of `octets`. */
#define CRC(name, width, swapped) \
    ALWAYS_INLINE __u32 name(__u32 crc, __u64 octets, const int count) \
    { \
        __u64 word = (octets ^ (__u64)swapped(crc) << (64 - width)) >> (64 - 8 * count); \
        __u32 sum = 8 * count < width ? crc >> (8 * count) : 0; \
    \
        _Pragma("unroll") for (int behind = 0; behind < count; behind++) \
            sum ^= name##_of[behind][word >> (8 * behind) & 0xff]; \
        return sum; \
    }

CRC(crc16, 16, __builtin_bswap16)
CRC(crc32, 32, __builtin_bswap32)

#endif
