/* power_fail.c: power fails at every byte of every way to write weights; then again while the
 * device that came back writes once more. After each failure the device must restart with the
 * complete old or the complete new weights and labels. Prints how many failures it tried. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "tl_bytes.h"
#include "tl_crc32.h"

enum { SLOT = 256, BLOB = 252, WEIGHTS = (int)offsetof(softmax_t, p) };

typedef struct {
  uint8_t weights[WEIGHTS];
  uint32_t labels[MAX_CLASSES], classes;
} content_t;

static long tried;
static uint32_t touched_before;

static void check(int holds, const char *what, long at) {
  if (holds) return;
  fprintf(stderr, "power_fail: %s, failure %ld at byte %ld\n", what, tried, at);
  exit(1);
}

static content_t content_of(const host_t *host) {
  content_t content;
  memset(&content, 0, sizeof content);
  memcpy(content.weights, host->softmax, WEIGHTS);
  content.classes = host->session->learner.labels.count;
  memcpy(content.labels, host->labels, 4 * content.classes);
  return content;
}

static int is(const host_t *host, const content_t *content) {
  const content_t now = content_of(host);
  return memcmp(&now, content, sizeof now) == 0;
}

/* Weights and labels that depend on every bit of `seed`. */
static void learn_something(host_t *host, uint32_t seed) {
  float x[INPUTS];
  uint32_t i, k;
  for (k = 0; k < 8; ++k) {
    for (i = 0; i < INPUTS; ++i) {
      seed = seed * 1664525u + 1013904223u;
      x[i] = (float)(seed >> 16) / 32768.0f - 1.0f;
    }
    tl_learner_step(&host->session->learner, x, seed % 4 + 100);
  }
}

/* The blob of the live weights, as a host would send it. */
static void pack(const host_t *host, uint8_t *blob) {
  const tl_model_t *model = host->device.model;
  const tl_labels_t *labels = &host->session->learner.labels;
  const uint32_t end = 36 + 16 + WEIGHTS + 4 * labels->count;
  tl_blob_trailer_t trailer = {0, 0, TL_BLOB_MARK};
  tl_blob_header(blob, model, labels->count);
  memcpy(blob + 36, model->tensors, 16);
  memcpy(blob + 52, host->softmax, WEIGHTS);
  memcpy(blob + 52 + WEIGHTS, host->labels, 4 * labels->count);
  tl_put_u32(blob + end, 0);
  trailer.crc = tl_crc32(0, blob, end + 4);
  tl_blob_put_trailer(blob + end, &trailer);
}

/* Returns whether the device says that it is done. */
static int save(host_t *host, const content_t *now) {
  (void)now;
  return tl_store_save(&host->session->store, host->softmax, &host->session->learner.labels) ==
         TL_STORE_OK;
}

/* What `now` holds arrives as an upload in uneven chunks. */
static int upload(host_t *host, const content_t *now) {
  tl_store_t *store = &host->session->store;
  uint8_t blob[BLOB];
  uint32_t total, at, n;
  host_t *sender = host_new(0, 0, 0, NULL);
  memcpy(sender->softmax, now->weights, WEIGHTS);
  memcpy(sender->labels, now->labels, sizeof now->labels);
  sender->session->learner.labels.count = now->classes;
  pack(sender, blob);
  host_free(sender);
  total = 36 + 16 + WEIGHTS + 4 * now->classes + 12;
  if (tl_store_begin(store, blob) != TL_STORE_OK) return 0;
  for (at = 36; at < total; at += n) {
    n = total - at < 23 ? total - at : 23;
    if (tl_store_append(store, at, blob + at, n) != TL_STORE_OK) return 0;
  }
  if (tl_store_commit(store) != TL_STORE_OK) return 0;
  return tl_store_load(store, host->softmax, &host->session->learner.labels) == TL_STORE_OK;
}

typedef int (*writer_t)(host_t *host, const content_t *now);

/* Did power fail only after the blob's last byte, or at it when it was there already? */
static int all_was_written(const host_t *host) {
  const uint32_t classes = host->session->learner.labels.count;
  const uint32_t all = SLOT + 36 + 16 + WEIGHTS + 4 * classes + TL_BLOB_TRAILER_BYTES;
  const uint32_t touched = host->flash.touched - touched_before;
  return touched > all || (touched == all && host->flash.torn == 0xff);
}

/* Let power fail after `power` bytes while `next` replaces `old` (NULL: empty store). Returns
 * whether the writing ended before that. */
static int fail_at(host_t *host, writer_t write, uint32_t power, const content_t *old,
                   const content_t *next, int is_staged) {
  int done;
  ++tried;
  host->flash.power = power;
  touched_before = host->flash.touched;
  done = write(host, next);
  if (!done && is_staged && old != NULL) check(is(host, old), "live weights moved", power);
  host->flash.power = UINT32_MAX;
  host_restart(host);
  if (done) {
    check(is(host, next), "done, but not the new weights", power);
  } else if (!is(host, next)) { /* all was written, though the flash said it failed */
    check(old != NULL ? is(host, old) : host->session->learner.labels.count == 0,
          "neither the old nor the new weights", power);
  } else {
    check(all_was_written(host), "new weights too early", power);
  }
  check(host->flash.misuse == 0, "flash misused", power);
  return done;
}

/* A device that holds `old` in its store, and what it has learnt since. */
static void prepare(host_t *host, int saves, content_t *old, content_t *next) {
  int i;
  for (i = 0; i < saves; ++i) {
    learn_something(host, (uint32_t)i + 1);
    check(save(host, NULL), "save", 0);
  }
  *old = content_of(host);
  learn_something(host, 77);
  *next = content_of(host);
}

static void one_failure(writer_t write, int saves, uint8_t torn, uint8_t down, int is_staged) {
  uint32_t power = 1;
  int done = 0;
  for (; !done; ++power) {
    content_t old, next;
    host_t *host = host_new(0, 2 * SLOT, 0, NULL);
    prepare(host, saves, &old, &next);
    if (is_staged) host_restart(host); /* the live weights are the old ones */
    host->flash.torn = torn;
    host->flash.erase_down = down;
    done = fail_at(host, write, power, saves > 0 ? &old : NULL, &next, is_staged);
    host_free(host);
  }
}

/* Two failures in a row, the second at every `step`-th byte. */
static void two_failures(uint8_t torn, uint32_t step) {
  uint32_t first = 1, second;
  int done = 0, done_again;
  for (; !done; first += step) {
    for (second = 1, done_again = 0; !done_again; second += step) {
      content_t old, next;
      host_t *host = host_new(0, 2 * SLOT, 0, NULL);
      prepare(host, 3, &old, &next);
      host->flash.torn = torn;
      done = fail_at(host, save, first, &old, &next, 0);
      if (done) old = next;
      learn_something(host, 99);
      next = content_of(host);
      done_again = fail_at(host, save, second, &old, &next, 0);
      host_free(host);
    }
  }
}

int main(void) {
  static const uint8_t torn[] = {0x00, 0x0f, 0xa5, 0xf0, 0xff};
  size_t t;
  int saves;
  for (saves = 0; saves < 4; ++saves) {
    for (t = 0; t < sizeof torn; ++t) {
      one_failure(save, saves, torn[t], 0, 0);
      one_failure(save, saves, torn[t], 1, 0);
      one_failure(upload, saves, torn[t], 0, 1);
      one_failure(upload, saves, torn[t], 1, 1);
    }
  }
  for (t = 0; t < sizeof torn; ++t) two_failures(torn[t], 5);
  printf("%ld\n", tried);
  return 0;
}
