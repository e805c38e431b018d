/* tl_fleet_say.c: the messages up, written byte by byte; see FORMAT.md, section 6. */
#include "tl_fleet_parts.h"

#if TL_FLEET

#include <string.h>

#include "tl_bytes.h"
#include "tl_message.h"

/* Header of a message whose body is in place. */
static size_t finish(uint8_t *out, uint8_t type, size_t body) {
  out[TL_AT_VERSION] = TL_PROTOCOL_VERSION;
  out[TL_AT_TYPE] = type;
  tl_put_u16(out + TL_AT_SEQUENCE, 0);
  tl_put_u16(out + TL_AT_LENGTH, (uint16_t)body);
  tl_put_u16(out + TL_AT_FLAGS, 0);
  return TL_MESSAGE_HEADER_BYTES + body;
}

/* Data that fits behind a fixed part, in whole words and within the header's length field. */
static size_t room_for_data(size_t room, size_t fixed) {
  const size_t most = 0xffffu - fixed;
  room -= TL_MESSAGE_HEADER_BYTES + fixed;
  return (room < most ? room : most) & ~(size_t)3;
}

int tl_fleet_can_learn(const tl_model_t *model) {
  uint32_t i;
  if (model->update == NULL || model->set_learning_rate == NULL ||
      model->learning_rate == NULL || model->weights_write == NULL) {
    return 0;
  }
  for (i = 0; i < model->tensor_count; ++i) {
    if (model->tensors[i].elements >> 28 != TL_FLOAT32) return 0;
  }
  return model->weights_bytes > 0;
}

static uint16_t capabilities(const tl_fleet_t *fleet) {
  int can = 0;
  if (tl_fleet_can_learn(fleet->device->model)) {
    can = TL_FLEET_CAN_LEARN;
    if (fleet->device->snapshot != NULL) can |= TL_FLEET_CAN_SPARSE;
  }
  if (fleet->store->flash != NULL) can |= TL_FLEET_CAN_STORE;
  return (uint16_t)can;
}

size_t tl_fleet_announce(const tl_fleet_t *fleet, uint32_t births, uint32_t free_ram,
                         uint8_t *out, size_t room) {
  const tl_model_t *model = fleet->device->model;
  uint8_t *to = out + TL_MESSAGE_HEADER_BYTES;
  const int idle = fleet->phase == TL_PHASE_IDLE || fleet->deploying;
  if (room < TL_FLEET_LEAST_ROOM) return 0;
  tl_put_u16(to, capabilities(fleet));
  tl_put_u16(to + 2, (uint16_t)(room < 0xffffu ? room : 0xffffu));
  tl_put_u32(to + 4, free_ram);
  tl_put_u32(to + 8, model->weights_bytes);
  tl_put_u32(to + 12, births);
  tl_put_u32(to + 16, fleet->deployed);
  tl_put_u32(to + 20, idle ? 0 : fleet->task.run);
  tl_put_u32(to + 24, idle ? 0 : fleet->task.round);
  memcpy(to + 28, model->hash, TL_HASH_BYTES);
  return finish(out, TL_FLEET_ANNOUNCE, TL_FLEET_ANNOUNCE_BYTES);
}

size_t tl_fleet_pull(const tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange) {
  uint8_t *to = exchange->out + TL_MESSAGE_HEADER_BYTES;
  tl_put_u32(to, fleet->task.run);
  tl_put_u32(to + 4, fleet->task.round);
  tl_put_u32(to + 8, fleet->task.version);
  tl_put_u32(to + 12, fleet->position);
  tl_put_u16(to + 16, (uint16_t)room_for_data(exchange->room, TL_FLEET_CHUNK_BYTES));
  tl_put_u16(to + 18, 0);
  return finish(exchange->out, TL_FLEET_PULL, TL_FLEET_PULL_BYTES);
}

static tl_fleet_source_t source_of(const tl_fleet_t *fleet) {
  const tl_device_t *device = fleet->device;
  tl_fleet_source_t source;
  source.model = device->model;
  source.state = device->state;
  source.version = device->snapshot;
  source.first = fleet->task.first;
  source.size = fleet->task.size;
  source.encoding = (uint8_t)(fleet->task.flags & TL_TASK_SPARSE ? TL_ENCODING_SPARSE_DELTA
                                                                 : TL_ENCODING_WEIGHTS);
  return source;
}

int tl_fleet_prepare(tl_fleet_t *fleet) {
  const tl_fleet_source_t source = source_of(fleet);
  return tl_fleet_update_prepare(&fleet->update, &source, fleet->task.share);
}

size_t tl_fleet_piece(tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange) {
  const tl_fleet_source_t source = source_of(fleet);
  const size_t room = room_for_data(exchange->room, TL_FLEET_UPDATE_BYTES);
  const uint32_t left = fleet->update.total - fleet->position;
  const uint32_t n = left < room ? left : (uint32_t)room;
  uint8_t *to = exchange->out + TL_MESSAGE_HEADER_BYTES;
  tl_put_u32(to, fleet->task.run);
  tl_put_u32(to + 4, fleet->task.round);
  tl_put_u16(to + 8, fleet->task.attempt);
  tl_put_u16(to + 10, source.encoding);
  tl_put_u32(to + 12, fleet->position);
  tl_put_u32(to + 16, fleet->update.total);
  tl_put_u32(to + 20, fleet->update.crc);
  tl_put_u32(to + 24, fleet->task.samples);
  tl_put_f32(to + 28, fleet->loss);
  tl_fleet_update_read(&fleet->update, &source, fleet->position, to + TL_FLEET_UPDATE_BYTES, n);
  return finish(exchange->out, TL_FLEET_UPDATE, TL_FLEET_UPDATE_BYTES + n);
}

size_t tl_fleet_progress(const tl_fleet_t *fleet, uint8_t *out) {
  const tl_learner_t *learner = fleet->learner;
  uint8_t *to = out + TL_MESSAGE_HEADER_BYTES;
  const int has_learnt = fleet->phase == TL_PHASE_SENDING || fleet->phase == TL_PHASE_DONE;
  tl_put_u32(to, fleet->task.run);
  tl_put_u32(to + 4, fleet->task.round);
  tl_put_u16(to + 8, fleet->task.attempt);
  to[10] = fleet->phase;
  to[11] = 0;
  tl_put_u32(to + 12, has_learnt                          ? fleet->task.samples
                      : fleet->phase == TL_PHASE_LEARNING ? fleet->position
                                                          : 0);
  tl_put_f32(to + 16, tl_average_recent(&learner->loss));
  tl_put_f32(to + 20, tl_average_recent(&learner->error));
  tl_put_u32(to + 24, 0);
  return finish(out, TL_FLEET_PROGRESS, TL_FLEET_PROGRESS_BYTES);
}

size_t tl_fleet_say_deployed(const tl_fleet_t *fleet, tl_fault_t fault, uint8_t *out) {
  uint8_t *to = out + TL_MESSAGE_HEADER_BYTES;
  tl_put_u32(to, fleet->deployed);
  tl_put_u32(to + 4, (uint32_t)fault);
  return finish(out, TL_FLEET_DEPLOYED, TL_FLEET_DEPLOYED_BYTES);
}

size_t tl_fleet_refuse(const tl_fleet_refusal_t *refusal, uint8_t *out) {
  uint8_t *to = out + TL_MESSAGE_HEADER_BYTES;
  const tl_fleet_refusal_t told = *refusal;
  to[0] = told.fault;
  to[1] = told.request;
  tl_put_u16(to + 2, 0);
  tl_put_u32(to + 4, told.detail);
  tl_put_u32(to + 8, told.run);
  tl_put_u32(to + 12, told.round);
  return finish(out, TL_FLEET_REFUSAL, TL_FLEET_REFUSAL_BYTES);
}

#endif
