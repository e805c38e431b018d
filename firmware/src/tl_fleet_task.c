/* tl_fleet_task.c: reads a TASK, and says whether this device can do it. */
#include "tl_fleet_parts.h"

#if TL_FLEET

#include <string.h>

#include "kernels/tl_math.h"
#include "tl_bytes.h"

/* Samples of all passes together; 0 where they are none, or more than can be counted. */
static uint32_t samples_of(uint32_t samples, uint16_t passes) {
  if (passes == 0 || samples > 0xffffffffu / passes) return 0;
  return samples * passes;
}

void tl_fleet_get_task(tl_fleet_task_t *task, const uint8_t *body) {
  task->run = tl_get_u32(body);
  task->round = tl_get_u32(body + 4);
  task->attempt = tl_get_u16(body + 8);
  task->flags = (uint8_t)tl_get_u16(body + 10);
  task->version = tl_get_u32(body + 12);
  task->first = tl_get_u32(body + 16);
  task->size = tl_get_u32(body + 20);
  task->crc = tl_get_u32(body + 24);
  task->samples = samples_of(tl_get_u32(body + 28), tl_get_u16(body + 32));
  task->local_samples = tl_get_u16(body + 34);
  task->rate = tl_get_f32(body + 36);
  task->share = tl_get_f32(body + 40);
}

static int makes_sense(const tl_fleet_task_t *task, const uint8_t *body) {
  if (tl_get_u16(body + 10) > (TL_TASK_SPARSE | TL_TASK_INLINE)) return 0;
  if (task->samples == 0 || !tl_is_finite(task->rate) || task->rate < 0.0f) return 0;
  return !(task->flags & TL_TASK_SPARSE) || (task->share >= 0.0f && task->share <= 1.0f);
}

static int is_range(const tl_fleet_task_t *task, uint32_t weights_bytes) {
  return task->size > 0 && task->first % 4 == 0 && task->size % 4 == 0 &&
         task->first <= weights_bytes && task->size <= weights_bytes - task->first;
}

tl_fleet_refusal_t tl_fleet_judge(const tl_fleet_t *fleet, const tl_fleet_task_t *task,
                                  const tl_fleet_exchange_t *exchange) {
  const tl_device_t *device = fleet->device;
  const tl_model_t *model = device->model;
  const size_t data = exchange->length - TL_FLEET_TASK_BYTES;
  const uint32_t expected = task->flags & TL_TASK_INLINE ? task->size : 0;
  tl_fleet_refusal_t refusal = {0, TL_FLEET_TASK, 0, 0, 0};
  refusal.run = task->run;
  refusal.round = task->round;
  if (memcmp(exchange->body + 48, model->hash, TL_HASH_BYTES) != 0) {
    refusal.fault = TL_FAULT_MODEL;
  } else if (!tl_fleet_can_learn(model)) {
    refusal.detail = TL_UNSUPPORTED_LEARNING;
  } else if (!makes_sense(task, exchange->body)) {
    refusal.detail = TL_UNSUPPORTED_VALUE;
  } else if (!is_range(task, model->weights_bytes) || data != expected) {
    refusal.fault = TL_FAULT_LENGTH;
    refusal.detail = model->weights_bytes;
  } else if (device->snapshot == NULL &&
             (task->flags & TL_TASK_SPARSE || task->local_samples > 0)) {
    refusal.detail = TL_UNSUPPORTED_MEMORY;
  }
  if (refusal.fault == 0 && refusal.detail != 0) refusal.fault = TL_FAULT_UNSUPPORTED;
  return refusal;
}

#endif
