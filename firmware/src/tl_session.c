/* tl_session.c: requests in, replies out. A reply is built in the frame buffer over its
 * request, so each handler reads its arguments before it writes. */
#include "tl_session.h"

#include <string.h>

#include "kernels/tl_math.h"
#include "tl_bytes.h"
#include "tl_message.h"
#if TL_FLEET
#include "tl_store_tag.h"
#endif

#if TL_FRAME_BYTES < 64 || TL_FRAME_BYTES > 65535
#error "TL_FRAME_BYTES must lie between 64 and 65535"
#endif

#define MESSAGE_ROOM (TL_FRAME_BYTES - TL_FRAME_CRC_BYTES)
#define PAYLOAD_ROOM (MESSAGE_ROOM - TL_MESSAGE_HEADER_BYTES)

/* A request, its payload being overwritten by the reply's. */
typedef struct {
  uint8_t *payload;
  uint16_t length; /* of the request's payload, then of the reply's */
  uint16_t flags;
  uint32_t detail; /* for an error */
} exchange_t;

/* ---- costs ---- */

typedef struct {
  uint32_t count, stack;
} cost_t;

typedef void (*work_t)(tl_session_t *session, const void *argument);

static uint32_t count(const tl_session_t *session) {
  return session->port->count != NULL ? session->port->count() : 0;
}

/* Do the work; what it cost, less what reading the counter costs. */
static cost_t measured(tl_session_t *session, work_t work, const void *argument) {
  const tl_session_port_t *port = session->port;
  cost_t cost = {0, 0};
  uint32_t before, between, after;
  if (port->stack_mark != NULL) port->stack_mark();
  before = count(session);
  between = count(session);
  work(session, argument);
  after = count(session);
  if (port->stack_used != NULL) cost.stack = port->stack_used();
  cost.count = (after - between) - (between - before);
  return cost;
}

static cost_t run(tl_session_t *session, const exchange_t *exchange, work_t work,
                  const void *argument) {
  static const cost_t unknown = {0, 0};
  if (exchange->flags & TL_FLAG_MEASURE) return measured(session, work, argument);
  work(session, argument);
  return unknown;
}

/* ---- INFO, READ, WRITE, METRICS: no effects ---- */

static uint32_t classes(const tl_session_t *session) {
  const tl_model_t *model = session->device->model;
  return model->max_classes > 0 ? model->classes(session->device->state) : model->outputs;
}

static uint16_t capabilities(const tl_session_t *session) {
  const tl_device_t *device = session->device;
  const tl_session_port_t *port = session->port;
  int can = 0;
  if (device->model->update != NULL) can |= TL_CAN_LEARN;
  if (device->model->max_classes > 0) can |= TL_CAN_GROW;
  if (session->store.flash != NULL) can |= TL_CAN_STORE;
  if (device->snapshot != NULL) can |= TL_CAN_SNAPSHOT;
  if (port->count != NULL) can |= TL_CAN_COUNT;
  if (port->stack_used != NULL) can |= TL_CAN_STACK;
  if (port->reset != NULL) can |= TL_CAN_RESTART;
  can |= session->device->model->input_type << TL_INPUT_TYPE_SHIFT;
  can |= session->device->model->output_type << TL_OUTPUT_TYPE_SHIFT;
  return (uint16_t)can;
}

/* A host that asks who is there begins anew: the kept reply was another's. */
static tl_error_t handle_info(tl_session_t *session, exchange_t *exchange) {
  const tl_model_t *model = session->device->model;
  uint8_t *to = exchange->payload;
  session->kept_type = 0;
  to[0] = TL_API_VERSION;
  to[1] = model->loss;
  tl_put_u16(to + 2, model->max_classes);
  tl_put_u16(to + 4, TL_FRAME_BYTES);
  tl_put_u16(to + 6, capabilities(session));
  tl_put_u32(to + 8, model->inputs);
  tl_put_u32(to + 12, model->outputs);
  tl_put_u32(to + 16, model->weights_bytes);
  tl_put_u32(to + 20, model->state_bytes);
  tl_put_u32(to + 24, (uint32_t)sizeof *session);
  tl_put_u16(to + 28, model->tensor_count);
  tl_put_u16(to + 30, (uint16_t)classes(session));
  memcpy(to + 32, model->hash, TL_HASH_BYTES);
  exchange->length = TL_INFO_BYTES;
  return TL_E_NONE;
}

static uint32_t input_bytes(const tl_model_t *model) {
  return model->inputs * tl_type_bytes(model->input_type);
}

static uint32_t output_bytes(const tl_model_t *model) {
  return model->outputs * tl_type_bytes(model->output_type);
}

/* Bytes of an area in memory; NULL where there are none. */
typedef struct {
  uint8_t *bytes;
  uint32_t size;
} area_t;

static area_t writable(const tl_session_t *session, uint16_t id) {
  const tl_device_t *device = session->device;
  area_t area = {NULL, 0};
  if (id == TL_AREA_INPUT) {
    area.bytes = (uint8_t *)device->input;
    area.size = input_bytes(device->model);
  } else if (id == TL_AREA_TARGET) {
    area.bytes = (uint8_t *)device->target;
    area.size = 4 * device->model->outputs;
  }
  return area;
}

typedef struct {
  const uint8_t *bytes;
  uint32_t size;
} readable_t;

static readable_t readable(const tl_session_t *session, uint16_t id) {
  const tl_device_t *device = session->device;
  readable_t area = {NULL, 0};
  if (id == TL_AREA_OUTPUT) {
    area.bytes = (const uint8_t *)device->output;
    area.size = output_bytes(device->model);
  } else if (id == TL_AREA_TENSORS) {
    area.bytes = (const uint8_t *)device->model->tensors;
    area.size = 8u * device->model->tensor_count;
  } else if (id == TL_AREA_LABELS) {
    area.bytes = (const uint8_t *)session->learner.labels.label;
    area.size = area.bytes != NULL ? 4 * session->learner.labels.count : 0;
  } else if (id == TL_AREA_NAME) {
    area.bytes = (const uint8_t *)device->model->name;
    area.size = (uint32_t)strlen(device->model->name);
  }
  return area;
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

static int is_readable(uint16_t id) { return id >= TL_AREA_OUTPUT && id <= TL_AREA_NAME; }

static tl_error_t handle_read(tl_session_t *session, exchange_t *exchange) {
  const tl_model_t *model = session->device->model;
  const uint32_t offset = tl_get_u32(exchange->payload);
  const int is_weights = exchange->flags == TL_AREA_WEIGHTS;
  const readable_t area = readable(session, exchange->flags);
  const uint32_t size = is_weights ? model->weights_bytes : area.size;
  uint8_t *to = exchange->payload + TL_READ_HEAD_BYTES;
  uint32_t n;
  if (!is_readable(exchange->flags)) return TL_E_AREA;
  exchange->detail = size;
  if (offset > size) return TL_E_RANGE;
  n = least(size - offset, PAYLOAD_ROOM - TL_READ_HEAD_BYTES);
  if (is_weights && n > 0) {
    if (model->weights_read(session->device->state, offset, to, n) != 0) return TL_E_RANGE;
  } else if (n > 0) {
    memcpy(to, area.bytes + offset, (size_t)n);
  }
  tl_put_u32(exchange->payload + 4, size);
  exchange->length = (uint16_t)(TL_READ_HEAD_BYTES + n);
  return TL_E_NONE;
}

static tl_error_t handle_write(tl_session_t *session, exchange_t *exchange) {
  const uint32_t offset = tl_get_u32(exchange->payload);
  const uint32_t n = exchange->length - 4u;
  const area_t area = writable(session, exchange->flags);
  if (area.bytes == NULL) return TL_E_AREA;
  exchange->detail = area.size;
  if (offset > area.size || n > area.size - offset) return TL_E_RANGE;
  memcpy(area.bytes + offset, exchange->payload + 4, (size_t)n);
  exchange->length = 0;
  return TL_E_NONE;
}

static void put_counters(const tl_session_t *session, uint8_t *to) {
  const tl_learner_t *learner = &session->learner;
  tl_put_u32(to, learner->error.count);
  tl_put_u32(to + 4, learner->learnt);
  tl_put_u32(to + 8, learner->refused);
  tl_put_u32(to + 12, learner->drifts);
  tl_put_u32(to + 16, learner->roll_backs);
}

static tl_error_t handle_metrics(tl_session_t *session, exchange_t *exchange) {
  const tl_learner_t *learner = &session->learner;
  const tl_model_t *model = session->device->model;
  uint8_t *to = exchange->payload;
  put_counters(session, to);
  tl_put_f32(to + 20, tl_average_recent(&learner->loss));
  tl_put_f32(to + 24, learner->loss.mean);
  tl_put_f32(to + 28, tl_average_recent(&learner->error));
  tl_put_f32(to + 32, learner->error.mean);
  tl_put_f32(to + 36, model->learning_rate != NULL
                          ? model->learning_rate(session->device->state)
                          : 0.0f);
  tl_put_u16(to + 40, (uint16_t)classes(session));
  to[42] = learner->mode;
  to[43] = (uint8_t)(tl_learner_gate_is_open(learner) | (learner->guard.held << 1));
  tl_put_u32(to + 44, session->in.bad);
  exchange->length = TL_METRICS_BYTES;
  return TL_E_NONE;
}

/* ---- the fleet's task beside the requests ---- */

#if TL_FLEET

/* Does the request change what a task works with, behind its back? */
static int ends_task(uint8_t type, uint16_t flags) {
  switch (type) {
    case TL_PREDICT:
      return (flags & TL_FLAG_OBSERVE) != 0;
    case TL_LEARN:
      return (flags & TL_FLAG_RAW) != 0;
    case TL_SET:
      return flags != TL_SET_CLEAR_METRICS;
    case TL_UPLOAD_BEGIN:
    case TL_UPLOAD_CHUNK:
    case TL_UPLOAD_COMMIT:
    case TL_SAVE:
    case TL_LOAD:
    case TL_RESET:
      return 1;
    default:
      return 0;
  }
}

static void before_request(tl_session_t *session, uint8_t type, uint16_t flags) {
  if (ends_task(type, flags)) tl_fleet_abandon(&session->fleet);
}

static void send_up(tl_session_t *session, size_t n) {
  if (n > 0) tl_frame_out(session->frame, n, session->port->write, session->port->context);
}

void tl_session_announce(tl_session_t *session) {
  send_up(session, tl_fleet_announce(&session->fleet, 0, 0, session->frame, MESSAGE_ROOM));
}

void tl_session_learnt(tl_session_t *session) {
  send_up(session, tl_fleet_learnt(&session->fleet, session->frame, MESSAGE_ROOM));
}

/* After the reply: what it taught or stored may have moved the fleet's business on. */
static void after_request(tl_session_t *session, uint8_t type, uint16_t flags) {
  if (type == TL_LEARN && !(flags & TL_FLAG_RAW)) tl_session_learnt(session);
  if (type >= TL_UPLOAD_COMMIT && type <= TL_RESET) tl_fleet_look(&session->fleet);
}

static int is_for_fleet(uint8_t type) { return TL_FLEET_IS_MESSAGE(type); }

static int task_learns(const tl_session_t *session) {
  return session->fleet.phase == TL_PHASE_LEARNING;
}

static void pass_to_fleet(tl_session_t *session, uint16_t length) {
  uint8_t *frame = session->frame;
  send_up(session, tl_fleet_take(&session->fleet, frame, length, frame, MESSAGE_ROOM));
}

/* Weights that were learnt here descend from the version that they began with. */
static void tag_saved(tl_session_t *session) {
  if (session->fleet.deployed != 0) {
    (void)tl_store_put_tag(&session->store, session->fleet.deployed);
  }
}

static void start_fleet(tl_session_t *session) {
  tl_fleet_init(&session->fleet, session->device, &session->learner, &session->store);
}

#else

static void before_request(tl_session_t *session, uint8_t type, uint16_t flags) {
  (void)session, (void)type, (void)flags;
}
static void after_request(tl_session_t *session, uint8_t type, uint16_t flags) {
  (void)session, (void)type, (void)flags;
}
static int is_for_fleet(uint8_t type) {
  (void)type;
  return 0;
}
static int task_learns(const tl_session_t *session) {
  (void)session;
  return 0;
}
static void pass_to_fleet(tl_session_t *session, uint16_t length) {
  (void)session, (void)length;
}
static void tag_saved(tl_session_t *session) { (void)session; }
static void start_fleet(tl_session_t *session) { (void)session; }

#endif

/* ---- PREDICT, LEARN ---- */

static void predict(tl_session_t *session, const void *argument) {
  const tl_device_t *device = session->device;
  (void)argument;
  device->model->predict(device->state, device->input, device->output);
}

static void observe(tl_session_t *session, const void *argument) {
  const tl_device_t *device = session->device;
  (void)argument;
  device->model->observe(device->state, device->input, device->output);
}

static void put_cost(uint8_t *to, cost_t cost) {
  tl_put_u32(to, cost.count);
  tl_put_u32(to + 4, cost.stack);
}

/* The outputs follow the head when the reply is sent. */
static tl_error_t handle_predict(tl_session_t *session, exchange_t *exchange) {
  const tl_device_t *device = session->device;
  const int observing = exchange->flags & TL_FLAG_OBSERVE;
  uint8_t *to = exchange->payload;
  int refused = 0;
  cost_t cost;
  if (observing && device->model->observe == NULL) return TL_E_UNSUPPORTED;
  if (observing) refused = !tl_learner_accepts_input(device->model, device->input);
  cost = run(session, exchange, observing && !refused ? observe : predict, NULL);
  to[0] = (uint8_t)(refused ? TL_REFUSED : TL_OK);
  to[1] = 0;
  tl_put_u16(to + 2, (uint16_t)classes(session));
  put_cost(to + 4, cost);
  exchange->length = TL_PREDICT_HEAD_BYTES;
  return TL_E_NONE;
}

static void learn_label(tl_session_t *session, const void *label) {
  tl_learner_step(&session->learner, session->device->input, *(const uint32_t *)label);
}

static void learn_target(tl_session_t *session, const void *argument) {
  (void)argument;
  tl_learner_step_target(&session->learner, session->device->input, session->device->target);
}

static void learn_label_raw(tl_session_t *session, const void *label) {
  const tl_device_t *device = session->device;
  session->learner.last.loss =
      device->model->learn_label(device->state, device->input, *(const uint32_t *)label);
}

static void learn_target_raw(tl_session_t *session, const void *argument) {
  const tl_device_t *device = session->device;
  (void)argument;
  session->learner.last.loss =
      device->model->learn(device->state, device->input, device->target);
}

static void put_step(const tl_session_t *session, uint8_t *to, cost_t cost) {
  const tl_learner_t *learner = &session->learner;
  const tl_step_t *step = &learner->last;
  const int has_class = step->output != TL_NO_OUTPUT;
  to[0] = step->status;
  to[1] = step->events;
  tl_put_u16(to + 2, (uint16_t)step->output);
  tl_put_u32(to + 4, has_class ? tl_labels_of(&learner->labels, (uint32_t)step->output) : 0);
  tl_put_f32(to + 8, step->loss);
  put_cost(to + 12, cost);
}

/* The model's own step, as bare as it is in a program without the learner. The label is an
 * output index, and must be in use. */
static tl_error_t learn_raw(tl_session_t *session, exchange_t *exchange, int by_target,
                            uint32_t label) {
  tl_step_t *last = &session->learner.last;
  const tl_model_t *model = session->device->model;
  cost_t cost;
  if (by_target ? model->learn == NULL : model->learn_label == NULL) return TL_E_UNSUPPORTED;
  if (!by_target && label >= session->learner.labels.count) return TL_E_VALUE;
  last->output = TL_NO_OUTPUT;
  cost = run(session, exchange, by_target ? learn_target_raw : learn_label_raw, &label);
  last->status = (uint8_t)(tl_is_finite(last->loss) ? TL_OK : TL_REFUSED);
  last->events = (uint8_t)(tl_is_finite(last->loss) ? TL_DID_LEARN : 0);
  put_step(session, exchange->payload, cost);
  return TL_E_NONE;
}

static tl_error_t handle_learn(tl_session_t *session, exchange_t *exchange) {
  const tl_device_t *device = session->device;
  const int by_target = exchange->flags & TL_FLAG_TARGET;
  const uint32_t label = tl_get_u32(exchange->payload);
  cost_t cost;
  if (device->model->loss == TL_LOSS_NONE) return TL_E_UNSUPPORTED;
  if (by_target && device->target == NULL) return TL_E_UNSUPPORTED;
  if (exchange->flags & TL_FLAG_TASK && !task_learns(session)) return TL_E_TASK;
  exchange->length = TL_LEARN_REPLY_BYTES;
  if (exchange->flags & TL_FLAG_RAW) return learn_raw(session, exchange, by_target, label);
  cost = run(session, exchange, by_target ? learn_target : learn_label, &label);
  put_step(session, exchange->payload, cost);
  return TL_E_NONE;
}

/* ---- SET, SNAPSHOT, ROLLBACK ---- */

static tl_error_t set_rate(const tl_session_t *session, const uint8_t *value) {
  const tl_device_t *device = session->device;
  const float rate = tl_get_f32(value);
  if (device->model->set_learning_rate == NULL) return TL_E_UNSUPPORTED;
  if (!tl_is_finite(rate) || rate < 0.0f) return TL_E_VALUE;
  device->model->set_learning_rate(device->state, rate);
  return TL_E_NONE;
}

static tl_error_t set_mode(tl_session_t *session, const uint8_t *value) {
  const uint32_t mode = tl_get_u32(value);
  if (mode > TL_LEARN_GATED) return TL_E_VALUE;
  if (mode != TL_LEARN_NEVER && session->device->model->update == NULL) {
    return TL_E_UNSUPPORTED;
  }
  /* A gate that is open without a goal, for something new, stays so until that is learnt. */
  if (mode != session->learner.mode && session->learner.gate.goal > 0.0f) {
    tl_gate_close(&session->learner.gate);
  }
  session->learner.mode = (uint8_t)mode;
  return TL_E_NONE;
}

/* The key is in the flags, its value in the payload. */
static tl_error_t handle_set(tl_session_t *session, exchange_t *exchange) {
  exchange->length = 0;
  switch (exchange->flags) {
    case TL_SET_LEARNING_RATE:
      return set_rate(session, exchange->payload);
    case TL_SET_MODE:
      return set_mode(session, exchange->payload);
    case TL_SET_CLEAR_METRICS:
      tl_learner_clear_metrics(&session->learner);
      return TL_E_NONE;
    default:
      return TL_E_VALUE;
  }
}

static tl_error_t handle_snapshot(tl_session_t *session, exchange_t *exchange) {
  (void)exchange;
  return tl_learner_snapshot(&session->learner) == 0 ? TL_E_NONE : TL_E_UNSUPPORTED;
}

static tl_error_t handle_rollback(tl_session_t *session, exchange_t *exchange) {
  (void)exchange;
  if (session->device->snapshot == NULL) return TL_E_UNSUPPORTED;
  return tl_learner_roll_back(&session->learner) == 0 ? TL_E_NONE : TL_E_EMPTY;
}

/* ---- store ---- */

static tl_error_t refusal(uint8_t fault) {
  switch (fault) {
    case TL_BLOB_NOT_ONE:
      return TL_E_NOT_BLOB;
    case TL_BLOB_VERSION_UNKNOWN:
      return TL_E_BLOB_VERSION;
    case TL_BLOB_FOREIGN:
      return TL_E_FOREIGN;
    default:
      return TL_E_MALFORMED;
  }
}

static tl_error_t stored(const tl_session_t *session, tl_store_result_t result) {
  switch (result) {
    case TL_STORE_OK:
      return TL_E_NONE;
    case TL_STORE_NONE:
      return TL_E_NO_STORE;
    case TL_STORE_EMPTY:
      return TL_E_EMPTY;
    case TL_STORE_BAD:
      return TL_E_DAMAGED;
    case TL_STORE_REFUSED:
      return refusal(session->store.fault);
    case TL_STORE_ORDER:
      return TL_E_ORDER;
    default:
      return TL_E_FLASH;
  }
}

static tl_error_t load(tl_session_t *session) {
  const tl_store_result_t result =
      tl_store_load(&session->store, session->device->state, &session->learner.labels);
  if (result == TL_STORE_OK) tl_learner_restart(&session->learner);
  return stored(session, result);
}

static tl_error_t handle_upload_begin(tl_session_t *session, exchange_t *exchange) {
  exchange->length = 0;
  return stored(session, tl_store_begin(&session->store, exchange->payload));
}

static tl_error_t handle_upload_chunk(tl_session_t *session, exchange_t *exchange) {
  tl_store_t *store = &session->store;
  const tl_store_result_t result = tl_store_append(
      store, tl_get_u32(exchange->payload), exchange->payload + 4, exchange->length - 4u);
  exchange->detail = store->position > 0 ? store->received : 0;
  exchange->length = 0;
  return stored(session, result);
}

static tl_error_t handle_upload_commit(tl_session_t *session, exchange_t *exchange) {
  const tl_store_result_t result = tl_store_commit(&session->store);
  exchange->detail = session->store.position > 0 ? session->store.received : 0;
  return result == TL_STORE_OK ? load(session) : stored(session, result);
}

static tl_error_t handle_save(tl_session_t *session, exchange_t *exchange) {
  const tl_store_result_t result =
      tl_store_save(&session->store, session->device->state, &session->learner.labels);
  (void)exchange;
  if (result == TL_STORE_OK) tag_saved(session);
  return stored(session, result);
}

static tl_error_t handle_load(tl_session_t *session, exchange_t *exchange) {
  (void)exchange;
  return load(session);
}

static void start_model(tl_session_t *session) {
  const tl_device_t *device = session->device;
  device->model->init(device->state);
  tl_learner_init(&session->learner, device->learner, device->model, device->state,
                  device->output, device->labels, device->snapshot);
}

/* A restart of the program happens after the reply. */
static tl_error_t handle_reset(tl_session_t *session, exchange_t *exchange) {
  const uint16_t kind = exchange->flags;
  tl_store_result_t result = TL_STORE_OK;
  if (kind > TL_RESET_FACTORY) return TL_E_VALUE;
  if (kind == TL_RESET_PROGRAM) {
    return session->port->reset != NULL ? TL_E_NONE : TL_E_UNSUPPORTED;
  }
  if (kind == TL_RESET_FACTORY) result = tl_store_clear(&session->store);
  start_model(session);
  return result == TL_STORE_NONE ? TL_E_NONE : stored(session, result);
}

/* ---- dispatch ---- */

/* Requests with effects are carried out once, however often their frame comes. */
typedef struct {
  tl_error_t (*handle)(tl_session_t *session, exchange_t *exchange);
  uint16_t least, most; /* length of the payload */
  uint8_t has_effects;
} request_t;

static const request_t *find_request(uint8_t type) {
  static const request_t requests[] = {
      {handle_info, 0, 0, 0},
      {handle_read, 4, 4, 0},
      {handle_write, 4, PAYLOAD_ROOM, 0},
      {handle_predict, 0, 0, 1},
      {handle_learn, 4, 4, 1},
      {handle_set, 4, 4, 1},
      {handle_metrics, 0, 0, 0},
      {handle_snapshot, 0, 0, 1},
      {handle_rollback, 0, 0, 1},
      {handle_upload_begin, TL_BLOB_HEADER_BYTES, TL_BLOB_HEADER_BYTES, 1},
      {handle_upload_chunk, 4, PAYLOAD_ROOM, 1},
      {handle_upload_commit, 0, 0, 1},
      {handle_save, 0, 0, 1},
      {handle_load, 0, 0, 1},
      {handle_reset, 0, 0, 1},
  };
  if (type < TL_INFO || type > TL_RESET) return NULL;
  return &requests[type - TL_INFO];
}

static void put_error(exchange_t *exchange, tl_error_t error, uint8_t request) {
  exchange->payload[0] = (uint8_t)error;
  exchange->payload[1] = request;
  tl_put_u16(exchange->payload + 2, 0);
  tl_put_u32(exchange->payload + 4, exchange->detail);
  exchange->length = TL_ERROR_BYTES;
}

/* As much of the outputs as the frame holds; the host reads the rest by READ. */
static uint16_t append_outputs(const tl_session_t *session, uint8_t *payload, uint16_t length) {
  const uint32_t room = (uint32_t)(PAYLOAD_ROOM - length) & ~3u;
  const uint32_t n = least(output_bytes(session->device->model), room);
  memcpy(payload + length, session->device->output, (size_t)n);
  return (uint16_t)(length + n);
}

static void send(tl_session_t *session, uint8_t type, uint16_t length) {
  uint8_t *frame = session->frame;
  if (type == (TL_PREDICT | TL_IS_REPLY)) {
    length = append_outputs(session, frame + TL_MESSAGE_HEADER_BYTES, length);
  }
  frame[TL_AT_VERSION] = TL_PROTOCOL_VERSION;
  frame[TL_AT_TYPE] = type;
  tl_put_u16(frame + TL_AT_LENGTH, length);
  tl_put_u16(frame + TL_AT_FLAGS, 0);
  tl_frame_out(frame, (size_t)(TL_MESSAGE_HEADER_BYTES + length), session->port->write,
               session->port->context);
}

/* Carry out one request. Returns the reply's type; its payload is in place. */
static uint8_t answer(tl_session_t *session, exchange_t *exchange, uint8_t type,
                      const request_t *request) {
  tl_error_t error;
  if (request == NULL) {
    error = TL_E_TYPE;
  } else if (exchange->length < request->least || exchange->length > request->most) {
    error = TL_E_LENGTH;
  } else {
    error = request->handle(session, exchange);
  }
  if (error == TL_E_NONE) return (uint8_t)(type | TL_IS_REPLY);
  put_error(exchange, error, type);
  return TL_ERROR;
}

static void keep(tl_session_t *session, uint32_t crc, uint8_t reply_type,
                 const exchange_t *exchange) {
  session->kept_crc = crc;
  session->kept_type = reply_type;
  session->kept_bytes = (uint8_t)exchange->length;
  memcpy(session->kept, exchange->payload, exchange->length);
}

static void send_kept(tl_session_t *session) {
  memcpy(session->frame + TL_MESSAGE_HEADER_BYTES, session->kept, session->kept_bytes);
  send(session, session->kept_type, session->kept_bytes);
}

/* A request is the same one come again when its frame's CRC, which covers its sequence
 * number, type and payload, is that of the last one. */
static void serve(tl_session_t *session, exchange_t *exchange, uint32_t crc) {
  const uint8_t type = session->frame[TL_AT_TYPE];
  const request_t *request = find_request(type);
  const int has_effects = request != NULL && request->has_effects;
  uint8_t reply;
  if (has_effects && session->kept_type != 0 && session->kept_crc == crc) {
    send_kept(session);
    return;
  }
  if (has_effects) before_request(session, type, exchange->flags);
  reply = answer(session, exchange, type, request);
  if (has_effects) keep(session, crc, reply, exchange);
  send(session, reply, exchange->length);
  if (reply != TL_ERROR) after_request(session, type, exchange->flags);
  if (type == TL_RESET && reply != TL_ERROR && exchange->flags == TL_RESET_PROGRAM) {
    session->port->reset();
  }
}

/* A reply that comes back (an echo on the line) is not answered. */
static void receive_message(tl_session_t *session, uint16_t length) {
  uint8_t *frame = session->frame;
  exchange_t exchange;
  if (length < TL_MESSAGE_HEADER_BYTES || (frame[TL_AT_TYPE] & TL_IS_REPLY)) return;
  if (is_for_fleet(frame[TL_AT_TYPE])) {
    pass_to_fleet(session, length);
    return;
  }
  exchange.payload = frame + TL_MESSAGE_HEADER_BYTES;
  exchange.length = (uint16_t)(length - TL_MESSAGE_HEADER_BYTES);
  exchange.flags = tl_get_u16(frame + TL_AT_FLAGS);
  exchange.detail = 0;
  if (frame[TL_AT_VERSION] != TL_PROTOCOL_VERSION) {
    exchange.detail = TL_PROTOCOL_VERSION;
    put_error(&exchange, TL_E_VERSION, frame[TL_AT_TYPE]);
    send(session, TL_ERROR, exchange.length);
  } else if (tl_get_u16(frame + TL_AT_LENGTH) != exchange.length) {
    put_error(&exchange, TL_E_LENGTH, frame[TL_AT_TYPE]);
    send(session, TL_ERROR, exchange.length);
  } else {
    serve(session, &exchange, tl_get_u32(frame + length));
  }
}

void tl_session_init(tl_session_t *session, const tl_device_t *device,
                     const tl_session_port_t *port, const tl_flash_t *flash) {
  session->device = device;
  session->port = port;
  session->kept_type = 0;
  tl_frame_in_init(&session->in, session->frame, TL_FRAME_BYTES);
  start_model(session);
  if (tl_store_open(&session->store, flash, device->model) == TL_STORE_OK) load(session);
  start_fleet(session);
}

void tl_session_receive(tl_session_t *session, uint8_t byte) {
  const uint16_t length = tl_frame_in_byte(&session->in, byte);
  if (length > 0) receive_message(session, length);
}
