/* tl_loss.c: see tl_loss.h. */
#include "tl_loss.h"

#include "kernels/tl_math.h"

#define LEAST_PROBABILITY 1.17549435e-38f

static int is_two_class(uint8_t loss, uint32_t n) { return loss == TL_LOSS_BINARY && n == 1; }

uint32_t tl_classes_of(uint8_t loss, uint32_t n) { return is_two_class(loss, n) ? 2 : n; }

/* What output i should be. */
static float wanted(uint8_t loss, tl_truth_t truth, uint32_t n, uint32_t i) {
  if (truth.t != NULL) return truth.t[i];
  return (int32_t)i + is_two_class(loss, n) == truth.output ? 1.0f : 0.0f;
}

/* -log p, safe at 0; NaN stays NaN. */
static float surprise(float p) {
  return -tl_logf(p < LEAST_PROBABILITY ? LEAST_PROBABILITY : p);
}

static float term(uint8_t loss, float y, float t) {
  float sum = 0.0f;
  if (loss == TL_LOSS_MSE) return (y - t) * (y - t);
  if (t != 0.0f) sum = t * surprise(y);
  if (loss == TL_LOSS_BINARY && t != 1.0f) sum += (1.0f - t) * surprise(1.0f - y);
  return sum;
}

float tl_loss_of(uint8_t loss, const float *y, uint32_t n, tl_truth_t truth) {
  float sum = 0.0f;
  uint32_t i;
  if (loss == TL_LOSS_NONE || n == 0) return 0.0f;
  for (i = 0; i < n; ++i) sum += term(loss, y[i], wanted(loss, truth, n, i));
  return loss == TL_LOSS_CATEGORICAL ? sum : sum / (float)n;
}

int32_t tl_predicted(uint8_t loss, const float *y, uint32_t n) {
  int32_t best = -1;
  uint32_t i;
  if (is_two_class(loss, n)) return y[0] >= 0.5f;
  for (i = 0; i < n; ++i) {
    if (best < 0 ? y[i] == y[i] : y[i] > y[best]) best = (int32_t)i;
  }
  return best;
}

static float absolute(float x) { return x < 0.0f ? -x : x; }

float tl_error_of(uint8_t loss, const float *y, uint32_t n, tl_truth_t truth) {
  float sum = 0.0f;
  uint32_t i;
  if (n == 0) return 1.0f;
  if (truth.t == NULL) return tl_predicted(loss, y, n) == truth.output ? 0.0f : 1.0f;
  if (loss == TL_LOSS_CATEGORICAL) {
    return tl_predicted(loss, y, n) == tl_predicted(loss, truth.t, n) ? 0.0f : 1.0f;
  }
  for (i = 0; i < n; ++i) {
    const float difference = absolute(y[i] - truth.t[i]);
    sum += loss == TL_LOSS_MSE ? difference : (y[i] >= 0.5f) != (truth.t[i] >= 0.5f);
  }
  return sum / (float)n;
}
