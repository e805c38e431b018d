/* tl_crc32.h: the CRC-32 of IEEE 802.3 and zlib (reflected polynomial 0xedb88320). */
#ifndef TL_CRC32_H
#define TL_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* CRC of n more bytes after those that gave `crc`; start with 0. */
uint32_t tl_crc32(uint32_t crc, const void *bytes, size_t n);

#endif
