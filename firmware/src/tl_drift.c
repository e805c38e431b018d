/* tl_drift.c: see tl_drift.h. */
#include "tl_drift.h"

#include "kernels/tl_math.h"
#include "tl_metrics.h"

/* A deviation below this share of the mean is noise of the arithmetic. */
#define LEAST_RELATIVE_DEVIATION 0.01f
#define LEAST_DEVIATION 1e-12f

void tl_drift_restart(tl_drift_t *drift) {
  drift->mean = drift->variance = drift->rise = 0.0f;
  drift->count = 0;
}

static float clamp(float x, float limit) {
  if (x > limit) return limit;
  return x < -limit ? -limit : x;
}

static float deviation(const tl_drift_t *drift) {
  const float measured = drift->variance > 0.0f ? tl_sqrtf(drift->variance) : 0.0f;
  const float least = LEAST_RELATIVE_DEVIATION * drift->mean + LEAST_DEVIATION;
  return measured > least ? measured : least;
}

/* Mean and variance, exponentially weighted once `memory` samples were seen. */
static void learn_normal(tl_drift_t *drift, uint16_t memory, float loss) {
  float weight, difference;
  if (drift->count < memory) ++drift->count;
  weight = 1.0f / (float)drift->count;
  difference = loss - drift->mean;
  drift->mean += weight * difference;
  drift->variance = (1.0f - weight) * (drift->variance + weight * difference * difference);
}

int tl_drift_step(tl_drift_t *drift, const tl_drift_config_t *config, float loss) {
  if (!(config->threshold > 0.0f)) return 0;
  loss = tl_limited(loss);
  if (drift->count >= config->warmup) {
    const float unit = deviation(drift);
    const float z = clamp((loss - drift->mean) / unit, config->clip);
    drift->rise += z - config->slack;
    if (drift->rise < 0.0f) drift->rise = 0.0f;
    loss = drift->mean + z * unit;
  }
  learn_normal(drift, config->memory, loss);
  return drift->rise > config->threshold;
}
