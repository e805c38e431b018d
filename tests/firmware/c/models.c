/* models.c: see models.h. */
#include "models.h"

#include <string.h>

#include "kernels/tl_math.h"

static int is_range(uint32_t offset, uint32_t n, uint32_t size) {
  return offset <= size && n <= size - offset;
}

/* ---- softmax regression ---- */

#define SOFTMAX_BYTES ((uint32_t)offsetof(softmax_t, p))

static void softmax_init(void *m) {
  memset(m, 0, sizeof(softmax_t));
  ((softmax_t *)m)->rate = 0.05f;
}

static void softmax_forward(softmax_t *m, const float *x) {
  float z[MAX_CLASSES], top = -1e30f, sum = 0.0f;
  uint32_t c, i;
  for (c = 0; c < m->classes; ++c) {
    z[c] = m->b[c];
    for (i = 0; i < INPUTS; ++i) z[c] += m->w[c][i] * x[i];
    if (z[c] > top) top = z[c];
  }
  for (c = 0; c < m->classes; ++c) sum += m->p[c] = tl_expf(z[c] - top);
  for (c = 0; c < m->classes; ++c) m->p[c] /= sum;
}

static void softmax_predict(void *m, const float *x, float *y) {
  softmax_t *s = m;
  softmax_forward(s, x);
  memset(y, 0, MAX_CLASSES * sizeof *y);
  memcpy(y, s->p, s->classes * sizeof *y);
}

static void softmax_observe(void *m, const float *x, float *y) {
  ((softmax_t *)m)->observed += 1.0f;
  softmax_predict(m, x, y);
}

static float softmax_update(void *m, const float *x, const float *t) {
  softmax_t *s = m;
  float loss = 0.0f, norm = 0.0f;
  uint32_t c, i;
  for (i = 0; i < INPUTS; ++i) norm += x[i] * x[i];
  if (!tl_is_finite(norm)) return tl_from_bits(0x7fc00000u);
  for (c = 0; c < s->classes; ++c) {
    const float delta = s->rate * (s->p[c] - t[c]);
    if (t[c] != 0.0f) loss -= t[c] * tl_logf(s->p[c] > 1e-37f ? s->p[c] : 1e-37f);
    s->b[c] -= delta;
    for (i = 0; i < INPUTS; ++i) s->w[c][i] -= delta * x[i];
  }
  return loss;
}

static float softmax_update_label(void *m, const float *x, uint32_t label) {
  float t[MAX_CLASSES] = {0.0f};
  t[label] = 1.0f;
  return softmax_update(m, x, t);
}

static float softmax_learn(void *m, const float *x, const float *t) {
  ((softmax_t *)m)->observed += 1.0f;
  softmax_forward(m, x);
  return softmax_update(m, x, t);
}

static float softmax_learn_label(void *m, const float *x, uint32_t label) {
  ((softmax_t *)m)->observed += 1.0f;
  softmax_forward(m, x);
  return softmax_update_label(m, x, label);
}

static void softmax_set_rate(void *m, float rate) { ((softmax_t *)m)->rate = rate; }
static float softmax_rate(const void *m) { return ((const softmax_t *)m)->rate; }

static int softmax_read(const void *m, uint32_t offset, void *to, uint32_t n) {
  if (!is_range(offset, n, SOFTMAX_BYTES)) return -1;
  memcpy(to, (const char *)m + offset, n);
  return 0;
}

static int softmax_write(void *m, uint32_t offset, const void *from, uint32_t n) {
  if (!is_range(offset, n, SOFTMAX_BYTES)) return -1;
  memcpy((char *)m + offset, from, n);
  return 0;
}

static uint32_t softmax_classes(const void *m) { return ((const softmax_t *)m)->classes; }

static int softmax_add_class(void *m) {
  softmax_t *s = m;
  return s->classes < MAX_CLASSES ? (int)s->classes++ : -1;
}

static const tl_tensor_t softmax_tensors[] = {{0, MAX_CLASSES *INPUTS},
                                              {offsetof(softmax_t, b), MAX_CLASSES + 1}};

const tl_model_t softmax_model = {
    "softmax",
    {'s', 'o', 'f', 't', 'm', 'a', 'x', 1, 2, 3, 4, 5, 6, 7, 8, 9},
    sizeof(softmax_t),
    INPUTS,
    MAX_CLASSES,
    SOFTMAX_BYTES,
    softmax_tensors,
    2,
    MAX_CLASSES,
    TL_LOSS_CATEGORICAL,
    TL_FLOAT32,
    TL_FLOAT32,
    softmax_init,
    softmax_predict,
    softmax_observe,
    softmax_update,
    softmax_update_label,
    softmax_learn,
    softmax_learn_label,
    softmax_set_rate,
    softmax_rate,
    softmax_read,
    softmax_write,
    softmax_classes,
    softmax_add_class};

/* ---- linear regression ---- */

#define LINEAR_BYTES ((uint32_t)offsetof(linear_t, y))

static void linear_init(void *m) {
  memset(m, 0, sizeof(linear_t));
  ((linear_t *)m)->rate = 0.05f;
}

static void linear_predict(void *m, const float *x, float *y) {
  linear_t *l = m;
  uint32_t o, i;
  for (o = 0; o < OUTPUTS; ++o) {
    l->y[o] = l->b[o];
    for (i = 0; i < INPUTS; ++i) l->y[o] += l->w[o][i] * x[i];
  }
  memcpy(y, l->y, sizeof l->y);
}

static float linear_loss(const linear_t *l, const float *t) {
  float loss = 0.0f;
  uint32_t o;
  for (o = 0; o < OUTPUTS; ++o) loss += (l->y[o] - t[o]) * (l->y[o] - t[o]) / (float)OUTPUTS;
  return loss;
}

static float linear_update(void *m, const float *x, const float *t) {
  linear_t *l = m;
  const float loss = linear_loss(l, t);
  uint32_t o, i;
  if (!tl_is_finite(loss)) return loss;
  for (o = 0; o < OUTPUTS; ++o) {
    const float d = l->y[o] - t[o], step = l->rate * 2.0f * d / (float)OUTPUTS;
    l->b[o] -= step;
    for (i = 0; i < INPUTS; ++i) l->w[o][i] -= step * x[i];
  }
  return loss;
}

static float linear_update_label(void *m, const float *x, uint32_t label) {
  float t[OUTPUTS] = {0.0f};
  t[label] = 1.0f;
  return linear_update(m, x, t);
}

static float linear_learn(void *m, const float *x, const float *t) {
  float y[OUTPUTS];
  linear_predict(m, x, y);
  return linear_update(m, x, t);
}

static void linear_set_rate(void *m, float rate) { ((linear_t *)m)->rate = rate; }
static float linear_rate(const void *m) { return ((const linear_t *)m)->rate; }

static int linear_read(const void *m, uint32_t offset, void *to, uint32_t n) {
  if (!is_range(offset, n, LINEAR_BYTES)) return -1;
  memcpy(to, (const char *)m + offset, n);
  return 0;
}

static int linear_write(void *m, uint32_t offset, const void *from, uint32_t n) {
  if (!is_range(offset, n, LINEAR_BYTES)) return -1;
  memcpy((char *)m + offset, from, n);
  return 0;
}

static const tl_tensor_t linear_tensors[] = {{0, OUTPUTS *INPUTS},
                                             {offsetof(linear_t, b), OUTPUTS}};

const tl_model_t linear_model = {"linear",
                                 {'l', 'i', 'n', 'e', 'a', 'r', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
                                 sizeof(linear_t),
                                 INPUTS,
                                 OUTPUTS,
                                 LINEAR_BYTES,
                                 linear_tensors,
                                 2,
                                 0,
                                 TL_LOSS_MSE,
                                 TL_FLOAT32,
                                 TL_FLOAT32,
                                 linear_init,
                                 linear_predict,
                                 linear_predict,
                                 linear_update,
                                 linear_update_label,
                                 linear_learn,
                                 NULL,
                                 linear_set_rate,
                                 linear_rate,
                                 linear_read,
                                 linear_write,
                                 NULL,
                                 NULL};
