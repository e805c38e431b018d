/* fuzz_fleet.c SEED ROUNDS: throws messages of the fleet at a device: almost right, damaged,
 * cut, of random bytes; between them samples, requests that move the model, and restarts. Every
 * buffer is an allocation of its exact size. An answer is a whole message up that fits the
 * room; the weights move only while they are the task's. Prints how many updates were sent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "tl_bytes.h"
#include "tl_crc32.h"
#include "tl_message.h"

enum { WEIGHTS = (int)offsetof(softmax_t, p), MOST = 400 };

static uint32_t seed;
static host_t *host;
static long updates;

static uint32_t random_below(uint32_t n) {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed % n;
}

static void check(int holds, const char *what) {
  if (holds) return;
  fprintf(stderr, "fuzz_fleet: %s\n", what);
  exit(1);
}

/* ---- messages down ---- */

static void put_random(uint8_t *to, size_t n) {
  while (n-- > 0) *to++ = (uint8_t)random_below(256);
}

/* Weights of a version, finite mostly. */
static void put_weights(uint8_t *to, uint32_t bytes) {
  uint32_t i;
  for (i = 0; i + 4 <= bytes; i += 4)
    tl_put_f32(to + i, ((float)random_below(2001) - 1000.0f) / 1000.0f);
  if (random_below(50) == 0) put_random(to, bytes);
}

static size_t make_task(uint8_t *body) {
  const uint32_t flags = random_below(random_below(20) ? 4 : 65536);
  const uint32_t first = random_below(8) ? 4 * random_below(3) : seed;
  const uint32_t size = random_below(8) ? WEIGHTS - 4 * random_below(5) - first % 64 : seed;
  uint32_t data = flags & TL_TASK_INLINE && random_below(8) && size <= WEIGHTS ? size : 0;
  put_random(body, TL_FLEET_TASK_BYTES);
  if (data > 0) put_weights(body + TL_FLEET_TASK_BYTES, data);
  tl_put_u32(body, random_below(2));
  tl_put_u32(body + 4, random_below(3));
  tl_put_u16(body + 8, (uint16_t)random_below(2));
  tl_put_u16(body + 10, (uint16_t)flags);
  tl_put_u32(body + 12, random_below(3));
  tl_put_u32(body + 16, first);
  tl_put_u32(body + 20, size);
  if (random_below(8)) {
    tl_put_u32(body + 24, tl_crc32(0, body + TL_FLEET_TASK_BYTES, data));
    tl_put_u32(body + 28, random_below(6));
    tl_put_u16(body + 32, (uint16_t)random_below(3));
    tl_put_u16(body + 34, (uint16_t)random_below(3));
    tl_put_f32(body + 36, 0.01f * (float)random_below(9));
    tl_put_f32(body + 40, 0.125f * (float)random_below(9));
    memcpy(body + 48, softmax_model.hash, TL_HASH_BYTES);
  }
  return TL_FLEET_TASK_BYTES + data;
}

/* Of the version and at the offset that the device waits for, mostly. */
static size_t make_chunk(uint8_t *body) {
  const tl_fleet_t *fleet = &host->session->fleet;
  const uint32_t left = fleet->task.size - fleet->position;
  const uint32_t n = random_below(4) && left <= 240 ? left : random_below(240);
  tl_put_u32(body, random_below(10) ? fleet->task.version : seed);
  tl_put_u32(body + 4, random_below(10) ? fleet->position : random_below(200));
  put_weights(body + 8, n);
  if (fleet->deploying && fleet->position == 0 && n >= TL_BLOB_HEADER_BYTES) {
    tl_blob_header(body + 8, &softmax_model, random_below(7));
  }
  /* The task cannot have foreseen the bytes: let it think that it had. */
  if (n == left && random_below(3)) {
    host->session->fleet.task.crc = tl_crc32(fleet->update.crc, body + 8, n);
  }
  return 8 + n;
}

static size_t make_next(uint8_t *body) {
  const tl_fleet_t *fleet = &host->session->fleet;
  tl_put_u32(body, fleet->task.run);
  tl_put_u32(body + 4, fleet->task.round);
  tl_put_u32(body + 8, random_below(random_below(10) ? 200 : UINT32_MAX));
  return TL_FLEET_NEXT_BYTES;
}

static size_t make_receipt(uint8_t *body) {
  tl_put_u32(body, random_below(2));
  tl_put_u32(body + 4, random_below(3));
  tl_put_u16(body + 8, (uint16_t)random_below(2));
  tl_put_u16(body + 10, (uint16_t)random_below(7));
  return TL_FLEET_RECEIPT_BYTES;
}

static size_t make_deploy(uint8_t *body) {
  put_random(body, TL_FLEET_DEPLOY_BYTES);
  tl_put_u32(body, random_below(3));
  if (random_below(4)) tl_put_u32(body + 4, 36 + 16 + WEIGHTS + 4 * random_below(6) + 12);
  if (random_below(4)) memcpy(body + 12, softmax_model.hash, TL_HASH_BYTES);
  return TL_FLEET_DEPLOY_BYTES;
}

static size_t make_body(uint8_t type, uint8_t *body) {
  size_t n = random_below(80);
  switch (type) {
    case TL_FLEET_TASK:
      return make_task(body);
    case TL_FLEET_CHUNK:
      return make_chunk(body);
    case TL_FLEET_NEXT:
      return make_next(body);
    case TL_FLEET_RECEIPT:
      return make_receipt(body);
    case TL_FLEET_DEPLOY:
      return make_deploy(body);
    default:
      put_random(body, n);
      return random_below(2) ? n : 0;
  }
}

static size_t make_message(uint8_t *to) {
  static const uint8_t types[] = {TL_FLEET_TASK,    TL_FLEET_TASK,   TL_FLEET_CHUNK,
                                  TL_FLEET_CHUNK,   TL_FLEET_CHUNK,  TL_FLEET_NEXT,
                                  TL_FLEET_RECEIPT, TL_FLEET_DEPLOY, TL_FLEET_WHO};
  size_t n;
  memset(to, 0, TL_MESSAGE_HEADER_BYTES);
  to[TL_AT_VERSION] = (uint8_t)(random_below(40) ? TL_PROTOCOL_VERSION : random_below(256));
  to[TL_AT_TYPE] = types[random_below(sizeof types)];
  n = make_body(to[TL_AT_TYPE], to + TL_MESSAGE_HEADER_BYTES);
  if (random_below(20) == 0) to[TL_AT_TYPE] = (uint8_t)random_below(256);
  if (random_below(20) == 0 && n > 0) n = random_below((uint32_t)n);
  tl_put_u16(to + TL_AT_LENGTH, (uint16_t)(random_below(30) ? n : random_below(65536)));
  n += TL_MESSAGE_HEADER_BYTES;
  return random_below(30) ? n : random_below((uint32_t)n + 1);
}

/* ---- what must hold ---- */

static void check_answer(const uint8_t *out, size_t n, size_t room) {
  if (n == 0) return;
  check(n <= room && n >= TL_MESSAGE_HEADER_BYTES, "an answer beyond its room");
  check(tl_get_u16(out + TL_AT_LENGTH) == n - TL_MESSAGE_HEADER_BYTES, "an answer's length");
  check((out[TL_AT_TYPE] & 0xf0) == 0x20, "an answer that is not one up");
  updates += out[TL_AT_TYPE] == TL_FLEET_UPDATE;
}

/* Weights are touched by pulling, by learning, and by what ends either. */
static int may_move(uint8_t before, uint8_t after, uint8_t deploying) {
  if (before == TL_PHASE_SENDING && after != TL_PHASE_PULLING && after != TL_PHASE_LEARNING) {
    return 0;
  }
  if (deploying) return after == TL_PHASE_IDLE || after == TL_PHASE_LEARNING;
  return before == TL_PHASE_PULLING || before == TL_PHASE_LEARNING ||
         after == TL_PHASE_PULLING || after == TL_PHASE_LEARNING;
}

static void tell(void) {
  const size_t rooms[] = {TL_FLEET_LEAST_ROOM, TL_FLEET_LEAST_ROOM + 1, 252, 4000, 0, 70};
  const size_t room = rooms[random_below(6)];
  const tl_fleet_t *fleet = &host->session->fleet;
  uint8_t content[MOST], was[WEIGHTS], *message, *out;
  const size_t n = make_message(content);
  const uint8_t phase = fleet->phase, deploying = fleet->deploying;
  size_t answered;
  message = malloc(n > 0 ? n : 1);
  out = malloc(room > 0 ? room : 1);
  if (message == NULL || out == NULL) abort();
  memcpy(message, content, n);
  memcpy(was, host->softmax, WEIGHTS);
  answered = tl_fleet_take(&host->session->fleet, message, n, out, room);
  check(memcmp(message, content, n) == 0, "the message was written to");
  check_answer(out, answered, room);
  if (!may_move(phase, fleet->phase, deploying)) {
    check(memcmp(was, host->softmax, WEIGHTS) == 0, "weights moved without a task");
  }
  free(message);
  free(out);
}

/* The same through the session, in place in its frame. */
static void tell_in_frame(void) {
  static uint8_t reply[LINE_BYTES];
  uint8_t content[MOST + TL_FRAME_CRC_BYTES];
  const size_t n = make_message(content);
  if (n == 0) return;
  tl_frame_out(content, n, host->port.write, host);
  memcpy(reply, host->line, host->sent);
  host_exchange(host, reply, host->sent, reply, sizeof reply);
}

static void teach(void) {
  uint8_t *out = malloc(252);
  float x[INPUTS];
  size_t i, n;
  if (out == NULL) abort();
  for (i = 0; i < INPUTS; ++i) x[i] = (float)random_below(200) / 100.0f - 1.0f;
  if (random_below(100) == 0) x[0] = (float)1e30;
  tl_learner_step(&host->session->learner, x, random_below(7));
  n = tl_fleet_learnt(&host->session->fleet, out, 252);
  check_answer(out, n, 252);
  free(out);
}

static void disturb(void) {
  switch (random_below(4)) {
    case 0:
      host_restart(host);
      break;
    case 1:
      tl_fleet_abandon(&host->session->fleet);
      break;
    default:
      tl_store_save(&host->session->store, host->softmax, &host->session->learner.labels);
  }
}

int main(int argc, char **argv) {
  long round, rounds;
  if (argc != 3) return 2;
  seed = (uint32_t)strtoul(argv[1], NULL, 10) * 2654435761u + 1u;
  rounds = strtol(argv[2], NULL, 10);
  host = host_new(0, 1024, argv[1][0] % 2, NULL); /* odd seeds: with snapshot memory */
  for (round = 0; round < rounds; ++round) {
    const uint32_t what = random_below(100);
    if (what < 25) {
      tell();
    } else if (what < 30) {
      tell_in_frame();
    } else if (what < 99) {
      teach();
    } else {
      disturb();
    }
  }
  check(host->flash.misuse == 0, "flash misused");
  host_free(host);
  printf("%ld\n", updates);
  return 0;
}
