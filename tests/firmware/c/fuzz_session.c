/* fuzz_session.c SEED ROUNDS: throws bytes at a session: noise, valid frames with random
 * contents, frames with damage. Without a valid frame nothing may change; every reply must be
 * a well-formed frame. Prints how many frames were valid. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "tl_bytes.h"
#include "tl_message.h"

static uint32_t seed;

static uint32_t random_below(uint32_t n) {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed % n;
}

static void check(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "fuzz_session: %s\n", what);
  exit(1);
}

typedef struct {
  uint8_t bytes[2 * TL_FRAME_BYTES + 17];
  size_t n;
} line_t;

static void collect(void *context, const uint8_t *bytes, size_t n) {
  line_t *line = context;
  memcpy(line->bytes + line->n, bytes, n);
  line->n += n;
}

/* A message that may be almost right: the type known, the length mostly true. */
static size_t make_message(uint8_t *to) {
  const uint32_t room = TL_FRAME_BYTES - TL_MESSAGE_HEADER_BYTES - TL_FRAME_CRC_BYTES;
  static const uint8_t lengths[] = {0, 4, 4, 4, 8, 36, 40};
  uint32_t n = random_below(3) ? lengths[random_below(sizeof lengths)] : random_below(room + 1);
  uint32_t i;
  to[TL_AT_VERSION] = (uint8_t)(random_below(20) ? 1 : random_below(256));
  to[TL_AT_TYPE] = (uint8_t)(random_below(10) ? 1 + random_below(16) : random_below(256));
  tl_put_u16(to + TL_AT_SEQUENCE, (uint16_t)random_below(4));
  tl_put_u16(to + TL_AT_LENGTH, (uint16_t)(random_below(20) ? n : random_below(65536)));
  tl_put_u16(to + TL_AT_FLAGS, (uint16_t)(random_below(5) ? random_below(16) : seed));
  for (i = 0; i < n; ++i) to[8 + i] = (uint8_t)(random_below(3) ? random_below(256) : 0);
  if (n >= 4 && random_below(2)) tl_put_u32(to + 8, random_below(64));
  if (n == 36 && random_below(2)) tl_blob_header(to + 8, &softmax_model, random_below(7));
  return 8 + n;
}

static void make_frame(line_t *line) {
  uint8_t content[TL_FRAME_BYTES];
  line->n = 0;
  tl_frame_out(content, make_message(content), collect, line);
}

static void make_noise(line_t *line) {
  size_t i;
  line->n = random_below(sizeof line->bytes - 1);
  for (i = 0; i < line->n; ++i)
    line->bytes[i] = (uint8_t)random_below(random_below(4) ? 256 : 4);
}

/* Flips bits, drops or cuts. The CRC must tell, or the line tears between two frames. */
static void damage(line_t *line) {
  const uint32_t at = random_below((uint32_t)line->n);
  if (random_below(2)) {
    line->bytes[at] = (uint8_t)(line->bytes[at] ^ (1u << random_below(8)));
  } else {
    memmove(line->bytes + at, line->bytes + at + 1, line->n - at - 1);
    --line->n;
  }
}

/* ---- the frame format once more, independent of tl_frame.c ---- */

static uint32_t bitwise_crc(const uint8_t *bytes, size_t n) {
  uint32_t crc = 0xffffffffu;
  int bit;
  for (; n > 0; --n, ++bytes) {
    crc ^= *bytes;
    for (bit = 0; bit < 8; ++bit) crc = crc & 1 ? (crc >> 1) ^ 0xedb88320u : crc >> 1;
  }
  return ~crc;
}

/* Is the text between two delimiters an intact frame that a device would take? */
static int is_frame(const uint8_t *text, size_t n) {
  uint8_t content[sizeof(line_t)];
  size_t at = 0, length = 0, code, i;
  while (at < n) {
    code = text[at++];
    if (code - 1 > n - at) return 0;
    for (i = 1; i < code; ++i) content[length++] = text[at++];
    if (code < 255 && at < n) content[length++] = 0;
  }
  if (length < 5 || length > TL_FRAME_BYTES) return 0;
  return bitwise_crc(content, length - 4) == tl_get_u32(content + length - 4);
}

static int is_intact(const line_t *line) {
  size_t start = 0, end;
  int intact = 0;
  for (end = 0; end < line->n; ++end) {
    if (line->bytes[end] != 0) continue;
    intact |= is_frame(line->bytes + start, end - start);
    start = end + 1;
  }
  return intact;
}

/* Each reply is one frame with one whole message that answers something. */
static void check_reply(const uint8_t *bytes, size_t n) {
  uint8_t buffer[TL_FRAME_BYTES];
  tl_frame_in_t in;
  size_t i;
  tl_frame_in_init(&in, buffer, sizeof buffer);
  for (i = 0; i < n; ++i) {
    const uint16_t length = tl_frame_in_byte(&in, bytes[i]);
    if (length == 0) continue;
    check(length >= 8, "reply without a header");
    check(tl_get_u16(buffer + TL_AT_LENGTH) == length - 8, "reply of a wrong length");
    check((buffer[TL_AT_TYPE] & TL_IS_REPLY) != 0, "reply that is a request");
  }
  check(in.bad == 0, "reply that is no frame");
}

int main(int argc, char **argv) {
  static uint8_t reply[LINE_BYTES], flash[FLASH_MOST];
  static line_t line;
  softmax_t state;
  host_t *host;
  long round, rounds, valid = 0;
  size_t n;
  if (argc != 3) return 2;
  seed = (uint32_t)strtoul(argv[1], NULL, 10) * 2654435761u + 1u;
  rounds = strtol(argv[2], NULL, 10);
  host = host_new(0, 1024, 1, NULL);
  for (round = 0; round < rounds; ++round) {
    int intact;
    if (random_below(4)) {
      make_frame(&line);
      if (random_below(3) == 0) damage(&line);
    } else {
      make_noise(&line);
    }
    line.bytes[line.n++] = 0; /* closes whatever it left open: the next one stands alone */
    intact = is_intact(&line);
    memcpy(&state, host->softmax, sizeof state);
    memcpy(flash, host->flash.bytes, sizeof flash);
    n = host_exchange(host, line.bytes, line.n, reply, sizeof reply);
    check_reply(reply, n);
    valid += intact;
    if (intact) continue;
    check(n == 0, "reply to what is no frame");
    check(memcmp(&state, host->softmax, sizeof state) == 0, "state changed without a frame");
    check(memcmp(flash, host->flash.bytes, sizeof flash) == 0, "flash changed without a frame");
  }
  check(host->flash.misuse == 0, "flash misused");
  host_free(host);
  printf("%ld\n", valid);
  return 0;
}
