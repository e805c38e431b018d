/* tl_guard.c: see tl_guard.h. */
#include "tl_guard.h"

#define NOT_MEASURED 3.402823466e38f

void tl_guard_init(tl_guard_t *guard, void *snapshot) {
  guard->snapshot = snapshot;
  guard->held = 0;
  tl_guard_rebase(guard);
}

void tl_guard_rebase(tl_guard_t *guard) {
  guard->best = NOT_MEASURED;
  guard->since = 0;
  guard->worse = 0;
  guard->forgiven = 0;
  guard->testing = 0;
}

void tl_guard_forgive(tl_guard_t *guard) {
  if (!guard->forgiven) guard->worse = 0;
  guard->forgiven = 1;
}

int tl_guard_save(tl_guard_t *guard, const tl_model_t *model, const void *state) {
  if (guard->snapshot == NULL) return -1;
  if (model->weights_read(state, 0, guard->snapshot, model->weights_bytes) != 0) return -1;
  guard->held = 1;
  return 0;
}

int tl_guard_restore(tl_guard_t *guard, const tl_model_t *model, void *state) {
  if (!guard->held) return -1;
  return model->weights_write(state, 0, guard->snapshot, model->weights_bytes);
}

static int is_bad_for_long(tl_guard_t *guard, const tl_guard_config_t *config, float loss) {
  if (!(config->factor > 0.0f) || guard->best >= NOT_MEASURED) return 0;
  if (!(loss > config->factor * guard->best)) {
    guard->worse = 0;
    return 0;
  }
  return ++guard->worse >= config->patience;
}

static int is_time_to_look(tl_guard_t *guard, const tl_guard_config_t *config) {
  if (++guard->since < config->interval) return 0;
  guard->since = 0;
  return 1;
}

int tl_guard_rescue(tl_guard_t *guard, const tl_guard_config_t *config, const tl_model_t *model,
                    void *state) {
  if (guard->testing || !(config->factor > 0.0f)) return -1;
  if (tl_guard_restore(guard, model, state) != 0) return -1;
  tl_guard_rebase(guard);
  guard->testing = 1;
  return 0;
}

int tl_guard_test(tl_guard_t *guard, const tl_guard_config_t *config, float recent_loss) {
  if (!guard->testing || !is_time_to_look(guard, config)) return 0;
  guard->testing = 0;
  guard->forgiven = 0;
  guard->best = recent_loss;
  return 1;
}

tl_guard_act_t tl_guard_step(tl_guard_t *guard, const tl_guard_config_t *config,
                             const tl_model_t *model, void *state, float recent_loss) {
  if (guard->snapshot == NULL || !(config->factor > 0.0f)) return TL_GUARD_QUIET;
  if (is_bad_for_long(guard, config, recent_loss)) {
    return tl_guard_rescue(guard, config, model, state) == 0 ? TL_GUARD_ROLLED_BACK
                                                             : TL_GUARD_QUIET;
  }
  if (!is_time_to_look(guard, config) || !(recent_loss < guard->best)) return TL_GUARD_QUIET;
  if (tl_guard_save(guard, model, state) != 0) return TL_GUARD_QUIET;
  guard->best = recent_loss;
  guard->forgiven = 0;
  return TL_GUARD_SAVED;
}
