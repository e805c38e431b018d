/* tl_fleet.c: see tl_fleet.h. The task: pull, learn, send; tl_fleet_say.c writes the messages,
 * tl_fleet_deploy.c is for what comes into the store. */
#include "tl_fleet.h"

#if TL_FLEET

#include <string.h>

#include "kernels/tl_math.h"
#include "tl_bytes.h"
#include "tl_crc32.h"
#include "tl_fleet_parts.h"
#include "tl_message.h"
#include "tl_store_tag.h"

#if TL_FRAME_BYTES < 80
#error "TL_FLEET needs TL_FRAME_BYTES of at least 80"
#endif

#define MOST_TRIES 3
#define MOST_TURNED_AWAY 3

void tl_fleet_init(tl_fleet_t *fleet, const tl_device_t *device, tl_learner_t *learner,
                   tl_store_t *store) {
  memset(fleet, 0, sizeof *fleet);
  fleet->device = device;
  fleet->learner = learner;
  fleet->store = store;
  tl_fleet_look(fleet);
}

void tl_fleet_look(tl_fleet_t *fleet) { fleet->deployed = tl_store_tag(fleet->store); }

/* ---- the model is the task's, and the device's own again ---- */

static int is_in_task(const tl_fleet_t *fleet) {
  return fleet->phase >= TL_PHASE_PULLING && fleet->phase <= TL_PHASE_SENDING &&
         !fleet->deploying;
}

/* Until the version is there, nothing is learnt. The guard's memory holds the version, so the
 * guard rests. */
static void take_model(tl_fleet_t *fleet) {
  const tl_device_t *device = fleet->device;
  fleet->own_mode = fleet->learner->mode;
  fleet->own_rate = device->model->learning_rate(device->state);
  fleet->learner->mode = TL_LEARN_NEVER;
  tl_guard_init(&fleet->learner->guard, NULL);
  if (device->snapshot != NULL) {
    (void)device->model->weights_read(device->state, 0, device->snapshot,
                                      device->model->weights_bytes);
  }
}

static void give_model_back(tl_fleet_t *fleet) {
  const tl_device_t *device = fleet->device;
  fleet->learner->mode = fleet->own_mode;
  device->model->set_learning_rate(device->state, fleet->own_rate);
  tl_guard_init(&fleet->learner->guard, device->snapshot);
}

/* As after a restart, with the mode that the learner has. */
static void start_over(tl_fleet_t *fleet) {
  const tl_device_t *device = fleet->device;
  tl_learner_t *learner = fleet->learner;
  const uint8_t mode = learner->mode;
  if (tl_store_load(fleet->store, device->state, &learner->labels) == TL_STORE_OK) {
    tl_learner_restart(learner);
    return;
  }
  device->model->init(device->state);
  tl_learner_init(learner, device->learner, device->model, device->state, device->output,
                  device->labels, NULL);
  learner->mode = mode;
}

/* The weights of before the task; from the store, or the initial ones, where there is no memory
 * for them. */
static void put_weights_back(tl_fleet_t *fleet) {
  const tl_device_t *device = fleet->device;
  if (device->snapshot == NULL) {
    start_over(fleet);
    return;
  }
  (void)device->model->weights_write(device->state, 0, device->snapshot,
                                     device->model->weights_bytes);
}

static void end_task(tl_fleet_t *fleet, tl_phase_t phase) {
  if (is_in_task(fleet)) give_model_back(fleet);
  fleet->phase = (uint8_t)phase;
  fleet->deploying = 0;
}

/* A part of the version, or a damaged one, is in the model. */
static int is_torn(const tl_fleet_t *fleet) {
  return is_in_task(fleet) && fleet->phase == TL_PHASE_PULLING &&
         (fleet->position > 0 || fleet->tries > 0);
}

void tl_fleet_abandon(tl_fleet_t *fleet) {
  if (is_torn(fleet)) put_weights_back(fleet);
  if (is_in_task(fleet) || fleet->deploying) end_task(fleet, TL_PHASE_IDLE);
}

static size_t refuse_task(tl_fleet_t *fleet, tl_fault_t fault, uint32_t detail, uint8_t *out) {
  const tl_fleet_refusal_t refusal = {(uint8_t)fault, TL_FLEET_TASK, detail, fleet->task.run,
                                      fleet->task.round};
  put_weights_back(fleet);
  end_task(fleet, TL_PHASE_IDLE);
  return tl_fleet_refuse(&refusal, out);
}

/* ---- pulling ---- */

/* The version is complete: what was the guard's memory now holds it whole. */
static size_t begin_learning(tl_fleet_t *fleet, uint8_t *out) {
  const tl_device_t *device = fleet->device;
  const tl_fleet_task_t *task = &fleet->task;
  if (device->snapshot != NULL) {
    (void)device->model->weights_read(device->state, task->first,
                                      (uint8_t *)device->snapshot + task->first, task->size);
  }
  tl_learner_restart(fleet->learner);
  fleet->learner->mode = TL_LEARN_ALWAYS;
  device->model->set_learning_rate(device->state, task->rate);
  fleet->phase = TL_PHASE_LEARNING;
  fleet->position = 0;
  fleet->loss = 0.0f;
  return tl_fleet_progress(fleet, out);
}

static size_t end_pull(tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange) {
  if (fleet->update.crc == fleet->task.crc) return begin_learning(fleet, exchange->out);
  fleet->position = fleet->update.crc = 0;
  if (++fleet->tries < MOST_TRIES) return tl_fleet_pull(fleet, exchange);
  return refuse_task(fleet, TL_FAULT_DAMAGED, 0, exchange->out);
}

/* Bytes of the version at the present position; n fits. */
static size_t take_weights(tl_fleet_t *fleet, const uint8_t *bytes, uint32_t n,
                           const tl_fleet_exchange_t *exchange) {
  const tl_device_t *device = fleet->device;
  (void)device->model->weights_write(device->state, fleet->task.first + fleet->position, bytes,
                                     n);
  fleet->update.crc = tl_crc32(fleet->update.crc, bytes, (size_t)n);
  fleet->position += n;
  return fleet->position < fleet->task.size ? tl_fleet_pull(fleet, exchange)
                                            : end_pull(fleet, exchange);
}

/* Only the chunk that was asked for moves anything; to answer others would keep copies of the
 * whole conversation alive. */
static size_t take_chunk(tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange) {
  const uint8_t *body = exchange->body;
  const size_t n = exchange->length - TL_FLEET_CHUNK_BYTES;
  if (fleet->phase != TL_PHASE_PULLING || tl_get_u32(body) != fleet->task.version) return 0;
  if (tl_get_u32(body + 4) != fleet->position) return 0;
  if (n == 0 || n > fleet->task.size - fleet->position) return 0;
  if (fleet->deploying) return tl_fleet_take_blob(fleet, exchange);
  return take_weights(fleet, body + TL_FLEET_CHUNK_BYTES, (uint32_t)n, exchange);
}

/* ---- TASK ---- */

static int is_same(const tl_fleet_t *fleet, const tl_fleet_task_t *task) {
  return fleet->phase != TL_PHASE_IDLE && !fleet->deploying && fleet->task.run == task->run &&
         fleet->task.round == task->round && fleet->task.attempt == task->attempt;
}

/* A message of an earlier round or attempt than the one under way, that was overtaken. */
static int is_overtaken(const tl_fleet_t *fleet, const tl_fleet_task_t *task) {
  if (!is_in_task(fleet) || fleet->task.run != task->run) return 0;
  return task->round < fleet->task.round ||
         (task->round == fleet->task.round && task->attempt < fleet->task.attempt);
}

/* Another task, while an earlier one may be under way. */
static void begin(tl_fleet_t *fleet, const tl_fleet_task_t *task) {
  tl_fleet_abandon(fleet);
  fleet->task = *task;
  fleet->phase = TL_PHASE_PULLING;
  fleet->position = fleet->update.crc = 0;
  fleet->tries = 0;
  take_model(fleet);
}

/* What is needed next, with the version's bytes where the task brings them along. */
static size_t go_on(tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange) {
  const uint32_t n = (uint32_t)(exchange->length - TL_FLEET_TASK_BYTES);
  if (fleet->phase == TL_PHASE_PULLING && fleet->position == 0 && n == fleet->task.size) {
    return take_weights(fleet, exchange->body + TL_FLEET_TASK_BYTES, n, exchange);
  }
  if (fleet->phase == TL_PHASE_PULLING) return tl_fleet_pull(fleet, exchange);
  if (fleet->phase == TL_PHASE_SENDING) return tl_fleet_piece(fleet, exchange);
  return tl_fleet_progress(fleet, exchange->out);
}

static size_t take_task(tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange) {
  tl_fleet_task_t task;
  tl_fleet_refusal_t refusal;
  tl_fleet_get_task(&task, exchange->body);
  if (is_same(fleet, &task)) return go_on(fleet, exchange);
  if (is_overtaken(fleet, &task)) return tl_fleet_progress(fleet, exchange->out);
  refusal = tl_fleet_judge(fleet, &task, exchange);
  if (refusal.fault != 0) return tl_fleet_refuse(&refusal, exchange->out);
  if (fleet->deploying && fleet->deploying++ <= MOST_TURNED_AWAY) {
    return tl_fleet_pull(fleet, exchange);
  }
  begin(fleet, &task);
  return go_on(fleet, exchange);
}

/* ---- learning ---- */

/* The local part has been learnt on the version; the version itself is to be learnt from now.
 */
static size_t end_local_phase(tl_fleet_t *fleet, uint8_t *out) {
  const tl_device_t *device = fleet->device;
  const tl_fleet_task_t *task = &fleet->task;
  (void)device->model->weights_write(
      device->state, task->first, (const uint8_t *)device->snapshot + task->first, task->size);
  fleet->task.local_samples = 0;
  fleet->position = 0;
  return tl_fleet_progress(fleet, out);
}

/* From here on the weights stay as they are until the receipt. */
static size_t begin_sending(tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange) {
  if (tl_fleet_prepare(fleet) != 0) {
    return refuse_task(fleet, TL_FAULT_DIVERGED, fleet->position, exchange->out);
  }
  fleet->learner->mode = TL_LEARN_NEVER;
  fleet->phase = TL_PHASE_SENDING;
  fleet->position = 0;
  return tl_fleet_piece(fleet, exchange);
}

size_t tl_fleet_learnt(tl_fleet_t *fleet, uint8_t *out, size_t room) {
  const tl_step_t *step = &fleet->learner->last;
  const tl_fleet_exchange_t exchange = {NULL, 0, out, room};
  if (fleet->phase != TL_PHASE_LEARNING || room < TL_FLEET_LEAST_ROOM) return 0;
  if (step->status == TL_REFUSED) {
    return refuse_task(fleet, TL_FAULT_DIVERGED, fleet->position, out);
  }
  if (!(step->events & TL_DID_LEARN)) return 0;
  ++fleet->position;
  if (fleet->task.local_samples > 0) {
    return fleet->position < fleet->task.local_samples ? 0 : end_local_phase(fleet, out);
  }
  fleet->loss += (tl_limited(step->loss) - fleet->loss) / (float)fleet->position;
  return fleet->position < fleet->task.samples ? 0 : begin_sending(fleet, &exchange);
}

/* ---- sending ---- */

static int is_about(const tl_fleet_t *fleet, const uint8_t *body) {
  return is_in_task(fleet) && tl_get_u32(body) == fleet->task.run &&
         tl_get_u32(body + 4) == fleet->task.round;
}

/* All has been sent where the next offset is the end: then the receipt will follow. The present
 * piece has been sent already; where it was lost a reminder brings it again, and to send it
 * here too would double the conversation at each message that the network doubles. */
static size_t take_next(tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange) {
  const uint32_t offset = tl_get_u32(exchange->body + 8);
  if (!is_about(fleet, exchange->body) || fleet->phase != TL_PHASE_SENDING) return 0;
  if (offset >= fleet->update.total || offset == fleet->position) return 0;
  fleet->position = offset;
  return tl_fleet_piece(fleet, exchange);
}

static size_t take_receipt(tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange) {
  const uint8_t *body = exchange->body;
  if (!is_about(fleet, body) || tl_get_u16(body + 8) != fleet->task.attempt) return 0;
  if (is_torn(fleet)) put_weights_back(fleet);
  end_task(fleet, TL_PHASE_DONE);
  return 0;
}

/* ---- dispatch ---- */

typedef struct {
  size_t (*take)(tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange);
  uint8_t bytes; /* of the fixed part */
  uint8_t has_data;
} message_t;

static size_t take_who(tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange) {
  return tl_fleet_announce(fleet, 0, 0, exchange->out, exchange->room);
}

static const message_t *find(uint8_t type) {
  static const message_t messages[] = {{take_task, TL_FLEET_TASK_BYTES, 1},
                                       {take_chunk, TL_FLEET_CHUNK_BYTES, 1},
                                       {take_next, TL_FLEET_NEXT_BYTES, 0},
                                       {take_receipt, TL_FLEET_RECEIPT_BYTES, 0},
                                       {tl_fleet_take_deploy, TL_FLEET_DEPLOY_BYTES, 0},
                                       {take_who, TL_FLEET_WHO_BYTES, 0}};
  return type <= TL_FLEET_WHO ? &messages[type - TL_FLEET_TASK] : NULL;
}

static tl_fault_t check(const uint8_t *message, size_t n) {
  const message_t *known = find(message[TL_AT_TYPE]);
  const size_t length = n - TL_MESSAGE_HEADER_BYTES;
  if (message[TL_AT_VERSION] != TL_PROTOCOL_VERSION) return TL_FAULT_VERSION;
  if (known == NULL) return TL_FAULT_TYPE;
  if (tl_get_u16(message + TL_AT_LENGTH) != length || length < known->bytes) {
    return TL_FAULT_LENGTH;
  }
  return length > known->bytes && !known->has_data ? TL_FAULT_LENGTH : TL_FAULT_NONE;
}

size_t tl_fleet_take(tl_fleet_t *fleet, const uint8_t *message, size_t n, uint8_t *out,
                     size_t room) {
  tl_fleet_exchange_t exchange = {message + TL_MESSAGE_HEADER_BYTES, 0, out, room};
  tl_fault_t fault;
  if (n < TL_MESSAGE_HEADER_BYTES || room < TL_FLEET_LEAST_ROOM) return 0;
  if (!TL_FLEET_IS_DOWN(message[TL_AT_TYPE])) return 0;
  fault = check(message, n);
  if (fault != TL_FAULT_NONE) {
    const tl_fleet_refusal_t refusal = {
        (uint8_t)fault, message[TL_AT_TYPE],
        fault == TL_FAULT_VERSION ? (uint32_t)TL_PROTOCOL_VERSION : 0u, 0, 0};
    return tl_fleet_refuse(&refusal, out);
  }
  exchange.length = n - TL_MESSAGE_HEADER_BYTES;
  return find(message[TL_AT_TYPE])->take(fleet, &exchange);
}

#endif
