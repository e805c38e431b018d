/* tl_fleet_update.c: see tl_fleet_update.h; tinylearn/fleet/updates.py is the host's side. */
#include "tl_fleet_update.h"

#if TL_FLEET

#include <string.h>

#include "kernels/tl_math.h"
#include "tl_crc32.h"
#include "tl_fleet_message.h"

#define BLOCK 8 /* weights looked at together: one byte of the bitmap */
#define MAGNITUDE 0x7fffffffu
#define INFINITE 0x7f800000u

static uint32_t least_of(uint32_t a, uint32_t b) { return a < b ? a : b; }

static uint32_t count_of(const tl_fleet_source_t *source) { return source->size / 4; }

static uint32_t bitmap_bytes(const tl_fleet_source_t *source) {
  return (count_of(source) + 7) / 8;
}

/* Weights from index `at` on, at most a block of them; returns how many. */
static uint32_t read_block(const tl_fleet_source_t *source, uint32_t at, float w[BLOCK]) {
  const uint32_t n = least_of(BLOCK, count_of(source) - at);
  (void)source->model->weights_read(source->state, source->first + 4 * at, w, 4 * n);
  return n;
}

/* By how much they moved. */
static uint32_t read_moves(const tl_fleet_source_t *source, uint32_t at, float d[BLOCK]) {
  const uint32_t n = read_block(source, at, d);
  float version[BLOCK];
  uint32_t i;
  memcpy(version, source->version + source->first + 4 * at, 4 * n);
  for (i = 0; i < n; ++i) d[i] -= version[i];
  return n;
}

static uint32_t magnitude(float d) { return tl_bits(d) & MAGNITUDE; }

static int all_finite(const tl_fleet_source_t *source) {
  const int is_sparse = source->encoding == TL_ENCODING_SPARSE_DELTA;
  float values[BLOCK];
  uint32_t at, n, i;
  for (at = 0; at < count_of(source); at += BLOCK) {
    /* The move of a weight that is not finite is not finite either. */
    n = is_sparse ? read_moves(source, at, values) : read_block(source, at, values);
    for (i = 0; i < n; ++i) {
      if (magnitude(values[i]) >= INFINITE) return 0;
    }
  }
  return 1;
}

/* How many magnitudes agree with `prefix` where `mask` is set, by their four bits at `shift`.
 */
static void count_digits(const tl_fleet_source_t *source, uint32_t prefix, uint32_t mask,
                         int shift, uint32_t count[16]) {
  float d[BLOCK];
  uint32_t at, n, i;
  memset(count, 0, 16 * sizeof *count);
  for (at = 0; at < count_of(source); at += BLOCK) {
    n = read_moves(source, at, d);
    for (i = 0; i < n; ++i) {
      const uint32_t bits = magnitude(d[i]);
      if (((bits ^ prefix) & mask) == 0) ++count[bits >> shift & 15u];
    }
  }
}

/* The kept-th largest magnitude, four bits a pass, as the order of finite floats is that of
 * their bits. Returns how many are at least as large. */
static uint32_t choose(tl_fleet_update_t *update, const tl_fleet_source_t *source,
                       uint32_t kept) {
  uint32_t count[16], mask = 0, above = 0, digit = 0;
  int shift;
  update->least = 0;
  for (shift = 28; shift >= 0; shift -= 4) {
    count_digits(source, update->least, mask, shift, count);
    for (digit = 15; above + count[digit] < kept; --digit) above += count[digit];
    update->least |= digit << shift;
    mask |= (uint32_t)15 << shift;
  }
  return above + count[digit];
}

/* max(1, ceil(share * n)), in float32 as the host computes it. */
static uint32_t kept_of(uint32_t n, float share) {
  const float exact = share * (float)n;
  uint32_t kept = (uint32_t)exact;
  if ((float)kept < exact) ++kept;
  if (kept < 1) kept = 1;
  return least_of(kept, n);
}

static uint32_t crc_of(tl_fleet_update_t *update, const tl_fleet_source_t *source) {
  uint8_t bytes[4 * BLOCK];
  uint32_t offset, n, crc = 0;
  for (offset = 0; offset < update->total; offset += n) {
    n = least_of(sizeof bytes, update->total - offset);
    tl_fleet_update_read(update, source, offset, bytes, n);
    crc = tl_crc32(crc, bytes, (size_t)n);
  }
  return crc;
}

int tl_fleet_update_prepare(tl_fleet_update_t *update, const tl_fleet_source_t *source,
                            float share) {
  if (!all_finite(source)) return -1;
  update->block = update->before = update->least = 0;
  update->total = source->size;
  if (source->encoding == TL_ENCODING_SPARSE_DELTA) {
    update->total = choose(update, source, kept_of(count_of(source), share));
    update->total = bitmap_bytes(source) + 4 * update->total;
  }
  update->crc = crc_of(update, source);
  return 0;
}

/* A block's byte of the bitmap; d: how its weights moved. */
static uint8_t bits_of(const tl_fleet_update_t *update, const tl_fleet_source_t *source,
                       uint32_t block, float d[BLOCK]) {
  const uint32_t n = read_moves(source, block, d);
  uint32_t i, bits = 0;
  for (i = 0; i < n; ++i) bits |= (uint32_t)(magnitude(d[i]) >= update->least) << i;
  return (uint8_t)bits;
}

static uint32_t ones(uint32_t bits) {
  uint32_t n = 0;
  for (; bits != 0; bits &= bits - 1) ++n;
  return n;
}

/* Bytes start .. end of the stream, being written to `to`. */
typedef struct {
  uint8_t *to;
  uint32_t start, end;
} window_t;

/* The part of a value at `at` of the stream that lies in the window. */
static void put_value(const window_t *window, uint32_t at, float value) {
  const uint32_t from = at < window->start ? window->start : at;
  const uint32_t until = least_of(at + 4, window->end);
  if (from >= until) return;
  memcpy(window->to + (from - window->start), (const uint8_t *)&value + (from - at),
         (size_t)(until - from));
}

/* The values of the blocks that reach into the window, which begins behind the bitmap. */
static void put_values(tl_fleet_update_t *update, const tl_fleet_source_t *source,
                       const window_t *window) {
  const uint32_t values = bitmap_bytes(source);
  float d[BLOCK];
  if (window->start < values + 4 * update->before) update->block = update->before = 0;
  while (update->block < count_of(source)) {
    const uint32_t bits = bits_of(update, source, update->block, d);
    uint32_t at = values + 4 * update->before, i;
    for (i = 0; i < BLOCK; ++i) {
      if ((bits >> i & 1u) == 0) continue;
      put_value(window, at, d[i]);
      at += 4;
    }
    if (at >= window->end) return; /* the next piece may begin in this block */
    update->before += ones(bits);
    update->block += BLOCK;
  }
}

void tl_fleet_update_read(tl_fleet_update_t *update, const tl_fleet_source_t *source,
                          uint32_t offset, uint8_t *to, uint32_t n) {
  const uint32_t bitmap = bitmap_bytes(source);
  window_t window;
  float d[BLOCK];
  if (source->encoding != TL_ENCODING_SPARSE_DELTA) {
    (void)source->model->weights_read(source->state, source->first + offset, to, n);
    return;
  }
  for (; n > 0 && offset < bitmap; ++offset, --n)
    *to++ = bits_of(update, source, BLOCK * offset, d);
  if (n == 0) return;
  window.to = to;
  window.start = offset;
  window.end = offset + n;
  put_values(update, source, &window);
}

#endif
