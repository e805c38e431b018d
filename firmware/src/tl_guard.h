/* tl_guard.h: keeps the best weights and says when learning has made things worse.
 *
 * A snapshot is taken when the fading loss is the best so far; when it stays worse than
 * `factor` times the best for `patience` learnt samples, or is not finite, the snapshot is put
 * back. The restored weights are then tested for `interval` samples without learning, and their
 * loss is the new best. So where the world has changed and not the weights gone bad, the
 * higher loss becomes the new normal, and learning is not undone again and again; and
 * weights that diverge never replace the snapshot. */
#ifndef TL_GUARD_H
#define TL_GUARD_H

#include <stdint.h>

#include "tinylearn.h"

typedef struct {
  float factor;      /* > 1; 0: never roll back by itself */
  uint16_t interval; /* samples between two looks at the fading loss for a snapshot */
  uint16_t patience; /* learnt samples in a row that are worse, before a roll-back */
} tl_guard_config_t;

#define TL_GUARD_DEFAULTS {3.0f, 64, 256}

typedef struct {
  void *snapshot; /* weights_bytes of the caller's memory; NULL: no guard */
  float
      best; /* fading loss at the snapshot, or of it after a roll-back; huge: to be measured */
  uint16_t since;   /* samples since the last look */
  uint16_t worse;   /* learnt samples in a row that were worse */
  uint8_t held;     /* a snapshot was taken */
  uint8_t forgiven; /* a drift has been forgiven since the best was measured */
  uint8_t testing;  /* the restored weights are being tested: do not learn */
} tl_guard_t;

typedef enum {
  TL_GUARD_QUIET = 0,
  TL_GUARD_SAVED = 1,
  TL_GUARD_ROLLED_BACK = 2
} tl_guard_act_t;

void tl_guard_init(tl_guard_t *guard, void *snapshot);

/* The loss level is about to change for a good reason: measure the best anew. */
void tl_guard_rebase(tl_guard_t *guard);

/* A drift: give learning `patience` samples from now on. Once for each best loss, as
 * divergence is a drift too. */
void tl_guard_forgive(tl_guard_t *guard);

/* Weights out and in by hand. Return 0, or -1 where there is no memory or no snapshot. */
int tl_guard_save(tl_guard_t *guard, const tl_model_t *model, const void *state);
int tl_guard_restore(tl_guard_t *guard, const tl_model_t *model, void *state);

/* Learning has diverged: put the snapshot back, unless the weights are the snapshot's already.
 * Returns 0, or -1 where nothing was done. */
int tl_guard_rescue(tl_guard_t *guard, const tl_guard_config_t *config, const tl_model_t *model,
                    void *state);

/* After a sample that was not learnt, with the fading loss. Returns 1 at the end of the test.
 */
int tl_guard_test(tl_guard_t *guard, const tl_guard_config_t *config, float recent_loss);

/* After a learnt sample, with the fading loss. */
tl_guard_act_t tl_guard_step(tl_guard_t *guard, const tl_guard_config_t *config,
                             const tl_model_t *model, void *state, float recent_loss);

#endif
