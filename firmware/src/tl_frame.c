/* tl_frame.c: COBS and CRC-32, byte by byte in, piece by piece out. */
#include "tl_frame.h"

#include "tl_bytes.h"
#include "tl_crc32.h"

#define LONGEST_RUN 254

static void begin(tl_frame_in_t *in) {
  in->length = 0;
  in->left = 0;
  in->zero = 0;
  in->lost = 0;
}

void tl_frame_in_init(tl_frame_in_t *in, uint8_t *buffer, uint16_t size) {
  in->buffer = buffer;
  in->size = size;
  in->bad = 0;
  begin(in);
}

static void put(tl_frame_in_t *in, uint8_t byte) {
  if (in->length < in->size) {
    in->buffer[in->length++] = byte;
  } else {
    in->lost = 1;
  }
}

static int is_empty(const tl_frame_in_t *in) {
  return in->length == 0 && in->left == 0 && !in->zero && !in->lost;
}

static uint16_t finish(tl_frame_in_t *in) {
  uint16_t content = 0;
  if (is_empty(in)) return 0;
  if (!in->lost && in->left == 0 && in->length > TL_FRAME_CRC_BYTES) {
    content = (uint16_t)(in->length - TL_FRAME_CRC_BYTES);
    if (tl_crc32(0, in->buffer, content) != tl_get_u32(in->buffer + content)) content = 0;
  }
  if (content == 0) ++in->bad;
  begin(in);
  return content;
}

uint16_t tl_frame_in_byte(tl_frame_in_t *in, uint8_t byte) {
  if (byte == 0) return finish(in);
  if (in->lost) return 0;
  if (in->left > 0) {
    --in->left;
    put(in, byte);
  } else {
    if (in->zero) put(in, 0);
    in->left = (uint8_t)(byte - 1);
    in->zero = byte <= LONGEST_RUN;
  }
  return 0;
}

/* Bytes before the next zero, at most one block. */
static size_t run_length(const uint8_t *bytes, size_t n) {
  size_t run = 0;
  while (run < LONGEST_RUN && run < n && bytes[run] != 0) ++run;
  return run;
}

void tl_frame_out(uint8_t *bytes, size_t n,
                  void (*write)(void *context, const uint8_t *bytes, size_t n), void *context) {
  uint8_t code = 0;
  size_t at = 0, run;
  int more = 1;
  tl_put_u32(bytes + n, tl_crc32(0, bytes, n));
  n += TL_FRAME_CRC_BYTES;
  write(context, &code, 1);
  while (more) {
    run = run_length(bytes + at, n - at);
    code = (uint8_t)(run + 1);
    write(context, &code, 1);
    if (run > 0) write(context, bytes + at, run);
    at += run;
    more = at < n;
    if (run < LONGEST_RUN) ++at; /* the zero that ended the run */
  }
  code = 0;
  write(context, &code, 1);
}
