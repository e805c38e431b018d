/* tl_bytes.h: little-endian numbers in byte sequences. */
#ifndef TL_BYTES_H
#define TL_BYTES_H

#include <stdint.h>
#include <string.h>

/* Weights, inputs and outputs travel as they lie in memory. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tinylearn's device runtime needs a little-endian core"
#endif

static inline void tl_put_u16(uint8_t *to, uint16_t value) { memcpy(to, &value, 2); }
static inline void tl_put_u32(uint8_t *to, uint32_t value) { memcpy(to, &value, 4); }
static inline void tl_put_f32(uint8_t *to, float value) { memcpy(to, &value, 4); }

static inline uint16_t tl_get_u16(const uint8_t *from) {
  uint16_t value;
  memcpy(&value, from, 2);
  return value;
}

static inline uint32_t tl_get_u32(const uint8_t *from) {
  uint32_t value;
  memcpy(&value, from, 4);
  return value;
}

static inline float tl_get_f32(const uint8_t *from) {
  float value;
  memcpy(&value, from, 4);
  return value;
}

#endif
