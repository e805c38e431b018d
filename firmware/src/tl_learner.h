/* tl_learner.h: learning from a stream, one call per sample: test the model on the sample,
 * keep the metrics, watch for drift, learn where allowed, guard the best weights.
 * The caller owns all memory; nothing here blocks or allocates. */
#ifndef TL_LEARNER_H
#define TL_LEARNER_H

#include <stdint.h>

#include "tinylearn.h"
#include "tl_drift.h"
#include "tl_gate.h"
#include "tl_guard.h"
#include "tl_labels.h"
#include "tl_metrics.h"

typedef enum {
  TL_LEARN_NEVER = 0,  /* test only: neither weights nor running statistics move */
  TL_LEARN_ALWAYS = 1, /* every sample */
  TL_LEARN_GATED = 2   /* from a drift, or a new label, until the loss has recovered */
} tl_learn_mode_t;

/* Chosen at generation; constant. TL_LEARNER_DEFAULTS is a good start. */
typedef struct {
  uint8_t mode;        /* tl_learn_mode_t at start; the learner's own field `mode` may change */
  uint8_t starts_open; /* 1: the gate is open for initial weights, which know nothing yet */
  float fading;        /* of the metrics: 0.99 weighs about the last 100 samples */
  tl_drift_config_t drift;
  tl_gate_config_t gate;
  tl_guard_config_t guard;
} tl_learner_config_t;

/* In generated code: for a model whose outputs mean something already, and for one with outputs
 * that have learnt nothing yet. */
#define TL_LEARNER_CONFIG(mode) TL_LEARNER_CONFIG_OF(mode, 0)
#define TL_LEARNER_CONFIG_NEW_HEAD(mode) TL_LEARNER_CONFIG_OF(mode, 1)
#define TL_LEARNER_CONFIG_OF(mode, starts_open) \
  {(mode), (starts_open), 0.99f, TL_DRIFT_DEFAULTS, TL_GATE_DEFAULTS, TL_GUARD_DEFAULTS}
#define TL_LEARNER_DEFAULTS TL_LEARNER_CONFIG(TL_LEARN_ALWAYS)

/* What became of a sample. */
typedef enum {
  TL_OK = 0,
  TL_REFUSED = 1,      /* a value is not finite or beyond 2^48: nothing moved; or the loss is
                          not finite: the sample was not learnt, and where a snapshot is held
                          it was put back (TL_DID_ROLL_BACK) */
  TL_FULL = 2,         /* a new label, and every output is taken */
  TL_UNKNOWN_LABEL = 3 /* a new label while learning is off: no output was added */
} tl_status_t;

/* What happened besides, as bits. */
enum {
  TL_DID_LEARN = 1,
  TL_DID_HIT = 2, /* the prediction was right (classification only) */
  TL_DID_DRIFT = 4,
  TL_DID_OPEN_CLASS = 8,
  TL_DID_SNAPSHOT = 16,
  TL_DID_ROLL_BACK = 32,
  TL_GATE_IS_OPEN = 64
};

/* The last sample. */
typedef struct {
  float loss;     /* before learning */
  float error;    /* 0 or 1 where the output is a class; share of wrong outputs for binary
                     targets; mean absolute error for regression targets */
  int32_t output; /* predicted class as output index; TL_NO_OUTPUT where there is none */
  uint8_t status; /* tl_status_t */
  uint8_t events; /* TL_DID_... */
} tl_step_t;

typedef struct {
  const tl_learner_config_t *config;
  const tl_model_t *model;
  void *state;
  float *y; /* outputs floats: the prediction for the last sample, before learning */
  tl_labels_t labels;
  tl_average_t loss, error;
  tl_drift_t drift;
  tl_gate_t gate;
  tl_guard_t guard;
  tl_step_t last;
  uint32_t learnt, refused, drifts, roll_backs;
  uint8_t mode; /* tl_learn_mode_t */
} tl_learner_t;

/* The state must be initialised, and is taken for the initial weights. y: outputs floats.
 * labels: max_classes entries, NULL where max_classes is 0. snapshot: weights_bytes, or NULL
 * for no guard. */
void tl_learner_init(tl_learner_t *learner, const tl_learner_config_t *config,
                     const tl_model_t *model, void *state, float *y, uint32_t *labels,
                     void *snapshot);

/* Forget metrics, drift, gate and snapshot: the weights were replaced from outside. The gate is
 * closed, as such weights have learnt. */
void tl_learner_restart(tl_learner_t *learner);

/* Set metrics and counters to zero; drift, gate and snapshot go on. */
void tl_learner_clear_metrics(tl_learner_t *learner);

/* One sample with its label (classification) or its target t of `outputs` floats.
 * The report is in learner->last. */
tl_status_t tl_learner_step(tl_learner_t *learner, const float *x, uint32_t label);
tl_status_t tl_learner_step_target(tl_learner_t *learner, const float *x, const float *t);

/* Does a gated learner learn at present? 1 or 0. */
int tl_learner_gate_is_open(const tl_learner_t *learner);

/* Put the snapshot back or take one, by hand. Return 0, or -1 where there is none. */
int tl_learner_snapshot(tl_learner_t *learner);
int tl_learner_roll_back(tl_learner_t *learner);

/* 1 where all n values are finite and within 2^48, so that no sum of squares overflows. */
int tl_learner_accepts(const float *x, uint32_t n);

/* The same of a model's input; integers are always accepted. */
int tl_learner_accepts_input(const tl_model_t *model, const float *x);

#endif
