/* tl_fleet_deploy.c: a version for good: its blob is pulled into the store's spare slot and is
 * loaded once it is complete there. Until then model and store are as they were. */
#include "tl_fleet_parts.h"

#if TL_FLEET

#include <string.h>

#include "tl_bytes.h"
#include "tl_crc32.h"
#include "tl_store_tag.h"

#define MOST_TRIES 3

static size_t end(tl_fleet_t *fleet, tl_fault_t fault, uint8_t *out) {
  fleet->phase = TL_PHASE_IDLE;
  fleet->deploying = 0;
  return tl_fleet_say_deployed(fleet, fault, out);
}

static size_t pull_again(tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange) {
  fleet->position = fleet->update.crc = 0;
  if (++fleet->tries >= MOST_TRIES) return end(fleet, TL_FAULT_DAMAGED, exchange->out);
  return tl_fleet_pull(fleet, exchange);
}

static void begin(tl_fleet_t *fleet, const uint8_t *body) {
  tl_fleet_abandon(fleet);
  memset(&fleet->task, 0, sizeof fleet->task);
  fleet->task.version = tl_get_u32(body);
  fleet->task.size = tl_get_u32(body + 4);
  fleet->task.crc = tl_get_u32(body + 8);
  fleet->position = fleet->update.crc = 0;
  fleet->tries = 0;
  fleet->deploying = 1;
  fleet->phase = TL_PHASE_PULLING;
}

static int is_under_way(const tl_fleet_t *fleet, const uint8_t *body) {
  return fleet->deploying && fleet->task.version == tl_get_u32(body) &&
         fleet->task.size == tl_get_u32(body + 4) && fleet->task.crc == tl_get_u32(body + 8);
}

static tl_fault_t judge(const tl_fleet_t *fleet, const uint8_t *body) {
  const tl_model_t *model = fleet->device->model;
  if (memcmp(body + 12, model->hash, TL_HASH_BYTES) != 0) return TL_FAULT_MODEL;
  if (tl_get_u32(body) == 0) return TL_FAULT_UNSUPPORTED;
  return fleet->store->flash == NULL ? TL_FAULT_STORE : TL_FAULT_NONE;
}

size_t tl_fleet_take_deploy(tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange) {
  const uint8_t *body = exchange->body;
  const tl_fault_t fault = judge(fleet, body);
  if (fault != TL_FAULT_NONE || tl_get_u32(body) == fleet->deployed) {
    return tl_fleet_say_deployed(fleet, fault, exchange->out);
  }
  if (!is_under_way(fleet, body)) begin(fleet, body);
  return tl_fleet_pull(fleet, exchange);
}

/* Sealed and read back: the store has it, whatever happens now. A tag that power does not let
 * be written costs another deployment, no more. */
static size_t go_over(tl_fleet_t *fleet, uint8_t *out) {
  const tl_device_t *device = fleet->device;
  const tl_store_result_t loaded =
      tl_store_load(fleet->store, device->state, &fleet->learner->labels);
  tl_learner_restart(fleet->learner);
  if (loaded != TL_STORE_OK) {
    tl_fleet_look(fleet);
    return end(fleet, TL_FAULT_STORE, out);
  }
  (void)tl_store_put_tag(fleet->store, fleet->task.version);
  fleet->deployed = fleet->task.version;
  return end(fleet, TL_FAULT_NONE, out);
}

/* What the store says of a chunk or of the commit. */
static size_t refused(tl_fleet_t *fleet, tl_store_result_t result,
                      const tl_fleet_exchange_t *exchange) {
  switch (result) {
    case TL_STORE_REFUSED:
      return end(fleet, TL_FAULT_MODEL, exchange->out);
    case TL_STORE_BAD:
    case TL_STORE_ORDER:
      return pull_again(fleet, exchange);
    default:
      return end(fleet, TL_FAULT_STORE, exchange->out);
  }
}

/* The blob's fixed header comes whole in the first chunk. */
static tl_store_result_t put(tl_fleet_t *fleet, const uint8_t *bytes, uint32_t n) {
  tl_store_t *store = fleet->store;
  tl_store_result_t result;
  if (fleet->position > 0) return tl_store_append(store, fleet->position, bytes, n);
  result = tl_store_begin(store, bytes);
  if (result != TL_STORE_OK || n == TL_BLOB_HEADER_BYTES) return result;
  return tl_store_append(store, TL_BLOB_HEADER_BYTES, bytes + TL_BLOB_HEADER_BYTES,
                         n - TL_BLOB_HEADER_BYTES);
}

size_t tl_fleet_take_blob(tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange) {
  const uint8_t *bytes = exchange->body + TL_FLEET_CHUNK_BYTES;
  const uint32_t n = (uint32_t)(exchange->length - TL_FLEET_CHUNK_BYTES);
  tl_store_result_t result;
  if (fleet->position == 0 && n < TL_BLOB_HEADER_BYTES) return 0;
  result = put(fleet, bytes, n);
  if (result != TL_STORE_OK) return refused(fleet, result, exchange);
  fleet->update.crc = tl_crc32(fleet->update.crc, bytes, (size_t)n);
  fleet->position += n;
  fleet->deploying = 1;
  if (fleet->position < fleet->task.size) return tl_fleet_pull(fleet, exchange);
  if (fleet->update.crc != fleet->task.crc) return pull_again(fleet, exchange);
  result = tl_store_commit(fleet->store);
  return result == TL_STORE_OK ? go_over(fleet, exchange->out)
                               : refused(fleet, result, exchange);
}

#endif
