/* Cyclic redundancy checks for programs that hash, four bits at a time. */
#ifndef P4XDP_HASH_H
#define P4XDP_HASH_H

/* What four bits at the low end do to the rest. */
static const __u32 crc16_of_nibble[16] = {
    0x0000, 0xcc01, 0xd801, 0x1400, 0xf001, 0x3c00, 0x2800, 0xe401,
    0xa001, 0x6c00, 0x7800, 0xb401, 0x5000, 0x9c01, 0x8801, 0x4400,
};

static const __u32 crc32_of_nibble[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac,
    0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
    0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

/* Goes on from `crc` with the first `count` octets, at most 8, from the high end of `octets`. Not static,
 * so that the verifier goes through it once, not once for every way to it. */
#define CRC(name, of_nibble) \
    __attribute__((noinline)) __u32 name(__u32 crc, __u64 octets, __u32 count) \
    { \
        for (__u32 octet = 0; octet < 8; octet++) { \
            if (octet >= count) \
                break; \
            crc ^= (__u8)(octets >> 56); \
            crc = crc >> 4 ^ of_nibble[crc & 15]; \
            crc = crc >> 4 ^ of_nibble[crc & 15]; \
            octets <<= 8; \
        } \
        return crc; \
    }

CRC(crc16, crc16_of_nibble)
CRC(crc32, crc32_of_nibble)

#endif
