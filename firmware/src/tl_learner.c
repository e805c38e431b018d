/* tl_learner.c: see tl_learner.h. */
#include "tl_learner.h"

#include "kernels/tl_math.h"
#include "tl_loss.h"

/* One call's sample. */
typedef struct {
  const float *x;
  tl_truth_t truth;
} sample_t;

static uint32_t outputs_in_use(const tl_learner_t *learner) {
  const tl_model_t *model = learner->model;
  return model->max_classes > 0 ? model->classes(learner->state) : model->outputs;
}

static void init_labels(tl_learner_t *learner, uint32_t *memory) {
  const uint32_t count = tl_classes_of(learner->model->loss, outputs_in_use(learner));
  tl_labels_init(&learner->labels, memory, count, learner->model->max_classes);
}

void tl_learner_init(tl_learner_t *learner, const tl_learner_config_t *config,
                     const tl_model_t *model, void *state, float *y, uint32_t *labels,
                     void *snapshot) {
  learner->config = config;
  learner->model = model;
  learner->state = state;
  learner->y = y;
  learner->mode = config->mode;
  learner->guard.snapshot = snapshot;
  init_labels(learner, labels);
  tl_learner_restart(learner);
  if (config->starts_open) tl_gate_open(&learner->gate, &config->gate, 0.0f);
}

void tl_learner_clear_metrics(tl_learner_t *learner) {
  tl_average_restart(&learner->loss);
  tl_average_restart(&learner->error);
  learner->learnt = learner->refused = learner->drifts = learner->roll_backs = 0;
}

void tl_learner_restart(tl_learner_t *learner) {
  static const tl_step_t nothing = {0.0f, 0.0f, TL_NO_OUTPUT, TL_OK, 0};
  learner->last = nothing;
  tl_learner_clear_metrics(learner);
  tl_drift_restart(&learner->drift);
  tl_gate_close(&learner->gate);
  tl_guard_init(&learner->guard, learner->guard.snapshot);
}

int tl_learner_accepts(const float *x, uint32_t n) {
  const uint32_t limit = (uint32_t)(127u + 48u) << 23; /* 2^48 */
  uint32_t i;
  for (i = 0; i < n; ++i) {
    if ((tl_bits(x[i]) & 0x7fffffffu) > limit) return 0;
  }
  return 1;
}

int tl_learner_accepts_input(const tl_model_t *model, const float *x) {
  return model->input_type != TL_FLOAT32 || tl_learner_accepts(x, model->inputs);
}

static void add_event(tl_learner_t *learner, int event) {
  learner->last.events = (uint8_t)(learner->last.events | event);
}

int tl_learner_gate_is_open(const tl_learner_t *learner) {
  return learner->mode == TL_LEARN_GATED && learner->gate.open;
}

static tl_status_t finish(tl_learner_t *learner, tl_status_t status) {
  learner->last.status = (uint8_t)status;
  if (status == TL_REFUSED) ++learner->refused;
  if (tl_learner_gate_is_open(learner)) add_event(learner, TL_GATE_IS_OPEN);
  return status;
}

/* Each step starts with an empty report. The loss is NaN until it is known. */
static void begin(tl_learner_t *learner) {
  learner->last.loss = tl_from_bits(0x7fc00000u);
  learner->last.error = 1.0f;
  learner->last.output = TL_NO_OUTPUT;
  learner->last.events = 0;
}

static void open_gate(tl_learner_t *learner, float normal_loss) {
  if (learner->mode != TL_LEARN_GATED) return;
  tl_gate_open(&learner->gate, &learner->config->gate, normal_loss);
}

static int is_learning(const tl_learner_t *learner) {
  if (learner->model->update == NULL || learner->guard.testing) return 0;
  return learner->mode == TL_LEARN_ALWAYS || tl_learner_gate_is_open(learner);
}

/* The output of a label; a new label takes the next free one. */
static int32_t output_for(tl_learner_t *learner, uint32_t label) {
  int32_t output = tl_labels_find(&learner->labels, label);
  if (output != TL_NO_OUTPUT || learner->mode == TL_LEARN_NEVER) return output;
  output = tl_labels_add(&learner->labels, label);
  if (output == TL_NO_OUTPUT) return output;
  if (learner->model->add_class(learner->state) < 0) {
    --learner->labels.count;
    return TL_NO_OUTPUT;
  }
  add_event(learner, TL_DID_OPEN_CLASS);
  open_gate(learner, learner->drift.mean);
  tl_guard_rebase(&learner->guard);
  return output;
}

/* The prediction for x, of the classes that were there before this sample. */
static void test(tl_learner_t *learner, const float *x) {
  const tl_model_t *model = learner->model;
  uint32_t n = outputs_in_use(learner);
  if (is_learning(learner)) {
    model->observe(learner->state, x, learner->y);
  } else {
    model->predict(learner->state, x, learner->y);
  }
  if (learner->last.events & TL_DID_OPEN_CLASS) --n;
  learner->last.output = tl_predicted(model->loss, learner->y, n);
}

/* Loss and error; learns where learning is on. */
static void judge(tl_learner_t *learner, const sample_t *sample) {
  const tl_model_t *model = learner->model;
  const uint32_t n = outputs_in_use(learner);
  const tl_truth_t truth = sample->truth;
  learner->last.error = tl_error_of(model->loss, learner->y, n, truth);
  if (learner->last.events & TL_DID_OPEN_CLASS) learner->last.error = 1.0f;
  if (!is_learning(learner)) {
    learner->last.loss = tl_loss_of(model->loss, learner->y, n, truth);
    return;
  }
  learner->last.loss =
      truth.t != NULL ? model->update(learner->state, sample->x, truth.t)
                      : model->update_label(learner->state, sample->x, (uint32_t)truth.output);
  if (tl_is_finite(learner->last.loss)) add_event(learner, TL_DID_LEARN);
}

static void watch_for_drift(tl_learner_t *learner) {
  const float normal_loss = learner->drift.mean;
  if (!tl_drift_step(&learner->drift, &learner->config->drift, learner->last.loss)) return;
  ++learner->drifts;
  add_event(learner, TL_DID_DRIFT);
  open_gate(learner, normal_loss);
  tl_guard_forgive(&learner->guard);
  tl_drift_restart(&learner->drift);
}

/* The averages that a roll-back makes meaningless start anew. */
static void note_roll_back(tl_learner_t *learner) {
  ++learner->roll_backs;
  add_event(learner, TL_DID_ROLL_BACK);
  tl_average_restart_recent(&learner->loss);
  tl_average_restart_recent(&learner->gate.losses);
  tl_drift_restart(&learner->drift);
}

static void after_learning(tl_learner_t *learner) {
  const tl_learner_config_t *config = learner->config;
  ++learner->learnt;
  tl_gate_step(&learner->gate, &config->gate, learner->last.loss, config->fading);
  switch (tl_guard_step(&learner->guard, &config->guard, learner->model, learner->state,
                        tl_average_recent(&learner->loss))) {
    case TL_GUARD_SAVED:
      add_event(learner, TL_DID_SNAPSHOT);
      break;
    case TL_GUARD_ROLLED_BACK:
      note_roll_back(learner);
      break;
    default:
      break;
  }
}

/* The sample is in order and its loss is not: the weights have diverged. */
static tl_status_t refuse_loss(tl_learner_t *learner) {
  if (learner->mode != TL_LEARN_NEVER &&
      tl_guard_rescue(&learner->guard, &learner->config->guard, learner->model,
                      learner->state) == 0) {
    note_roll_back(learner);
  }
  return finish(learner, TL_REFUSED);
}

/* Is one class the answer, and not n numbers? */
static int asks_for_class(const tl_model_t *model, tl_truth_t truth) {
  return truth.t == NULL || model->loss == TL_LOSS_CATEGORICAL ||
         (model->loss == TL_LOSS_BINARY && model->outputs == 1);
}

static tl_status_t step(tl_learner_t *learner, const sample_t *sample) {
  const float fading = learner->config->fading;
  const int has_class = asks_for_class(learner->model, sample->truth);
  test(learner, sample->x);
  judge(learner, sample);
  if (!has_class) learner->last.output = TL_NO_OUTPUT;
  if (!tl_is_finite(learner->last.loss)) return refuse_loss(learner);
  if (has_class && learner->last.error == 0.0f) add_event(learner, TL_DID_HIT);
  tl_average_add(&learner->loss, learner->last.loss, fading);
  tl_average_add(&learner->error, learner->last.error, fading);
  if (learner->last.events & TL_DID_LEARN) {
    after_learning(learner);
  } else if (tl_guard_test(&learner->guard, &learner->config->guard,
                           tl_average_recent(&learner->loss))) {
    tl_drift_restart(&learner->drift); /* from here the losses fall again */
  }
  watch_for_drift(learner);
  return finish(learner, TL_OK);
}

/* A label that has no output is an error of the prediction, but its loss is not defined. */
static tl_status_t test_only(tl_learner_t *learner, const float *x) {
  test(learner, x);
  tl_average_add(&learner->error, 1.0f, learner->config->fading);
  return finish(learner, learner->mode == TL_LEARN_NEVER ? TL_UNKNOWN_LABEL : TL_FULL);
}

tl_status_t tl_learner_step(tl_learner_t *learner, const float *x, uint32_t label) {
  sample_t sample = {x, {NULL, TL_NO_OUTPUT}};
  begin(learner);
  if (!tl_learner_accepts_input(learner->model, x)) return finish(learner, TL_REFUSED);
  sample.truth.output = output_for(learner, label);
  if (sample.truth.output == TL_NO_OUTPUT) return test_only(learner, x);
  return step(learner, &sample);
}

tl_status_t tl_learner_step_target(tl_learner_t *learner, const float *x, const float *t) {
  const tl_model_t *model = learner->model;
  const sample_t sample = {x, {t, TL_NO_OUTPUT}};
  begin(learner);
  if (!tl_learner_accepts_input(model, x) || !tl_learner_accepts(t, model->outputs)) {
    return finish(learner, TL_REFUSED);
  }
  return step(learner, &sample);
}

int tl_learner_snapshot(tl_learner_t *learner) {
  return tl_guard_save(&learner->guard, learner->model, learner->state);
}

int tl_learner_roll_back(tl_learner_t *learner) {
  if (tl_guard_restore(&learner->guard, learner->model, learner->state) != 0) return -1;
  tl_guard_rebase(&learner->guard);
  note_roll_back(learner);
  return 0;
}
