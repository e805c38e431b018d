/* twin_crc32.c: tl_crc32() for a host, which has memory for tables: eight bytes at a time (M.
 * E. Kounavis, F. L. Berry, "Novel table lookup-based algorithms for high-performance CRC
 * generation", IEEE Transactions on Computers 57(11), 2008). Takes the place of tl_crc32.c in
 * twins. */
#include <string.h>

#include "tl_crc32.h"

static uint32_t table[8][256]; /* [k][b]: CRC of byte b and k zeros after it */

__attribute__((constructor)) static void fill(void) {
  uint32_t byte, k;
  for (byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (k = 0; k < 8; ++k) crc = crc & 1 ? (crc >> 1) ^ 0xedb88320u : crc >> 1;
    table[0][byte] = crc;
  }
  for (byte = 0; byte < 256; ++byte) {
    for (k = 1; k < 8; ++k) {
      table[k][byte] = table[0][table[k - 1][byte] & 255u] ^ (table[k - 1][byte] >> 8);
    }
  }
}

static uint32_t by_byte(uint32_t crc, const uint8_t *at, size_t n) {
  for (; n > 0; --n, ++at) crc = table[0][(crc ^ *at) & 255u] ^ (crc >> 8);
  return crc;
}

uint32_t tl_crc32(uint32_t crc, const void *bytes, size_t n) {
  const uint8_t *at = bytes;
  crc = ~crc;
  for (; n >= 8; n -= 8, at += 8) {
    uint32_t low, high;
    memcpy(&low, at, 4);
    memcpy(&high, at + 4, 4);
    low ^= crc;
    crc = table[7][low & 255u] ^ table[6][low >> 8 & 255u] ^ table[5][low >> 16 & 255u] ^
          table[4][low >> 24] ^ table[3][high & 255u] ^ table[2][high >> 8 & 255u] ^
          table[1][high >> 16 & 255u] ^ table[0][high >> 24];
  }
  return ~by_byte(crc, at, n);
}
