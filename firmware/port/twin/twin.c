/* twin.c: a generated project as a shared library of the host: any number of devices in one
 * process, each with memory of its own. Speaks the device protocol byte by byte as a board
 * does, and has direct calls for speed. Compiled by tinylearn/device/build.py together with
 * the project; the declarations that Python reads are in tinylearn/device/twin.py.
 * The one place of the firmware that uses a heap, as it is only ever run on a host. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tl_blob.h"
#include "tl_session.h"
#include "tl_store_tag.h"

#define TWIN_API __attribute__((visibility("default")))

/* A growing queue of bytes that the device has sent. */
typedef struct {
  uint8_t *bytes;
  size_t length, room;
  int lost; /* the host ran out of memory */
} twin_line_t;

typedef struct {
  tl_device_t device;
  tl_session_t session;
  tl_session_port_t port;
  tl_flash_t flash;
  uint8_t *store; /* what the flash holds */
  twin_line_t line;
  int restart; /* the session asked for a reset */
} twin_t;

/* What Python wants to know of the model. */
typedef struct {
  uint32_t inputs, outputs, weights_bytes, state_bytes, max_classes, loss;
  uint32_t can_learn, input_type, output_type, frame_bytes;
  uint8_t hash[TL_HASH_BYTES];
  const char *name;
} twin_info_t;

/* The device whose bytes this thread is feeding in: reset() has no context. */
static __thread twin_t *current;

/* ---- flash: NOR, as on a board ---- */

static int inside(const twin_t *twin, uint32_t address, uint32_t n) {
  return n <= twin->flash.bytes && address <= twin->flash.bytes - n;
}

static int flash_read(void *context, uint32_t address, void *to, uint32_t n) {
  const twin_t *twin = context;
  if (!inside(twin, address, n)) return -1;
  memcpy(to, twin->store + address, n);
  return 0;
}

static int flash_erase(void *context, uint32_t address, uint32_t n) {
  twin_t *twin = context;
  if (!inside(twin, address, n)) return -1;
  memset(twin->store + address, 0xff, n);
  return 0;
}

static int flash_program(void *context, uint32_t address, const void *from, uint32_t n) {
  twin_t *twin = context;
  const uint8_t *bytes = from;
  uint32_t i;
  if (!inside(twin, address, n)) return -1;
  for (i = 0; i < n; i++) {
    twin->store[address + i] &= bytes[i];
    if (twin->store[address + i] != bytes[i]) return -1;
  }
  return 0;
}

static uint32_t whole_units(uint32_t bytes) {
  return (bytes + TL_FLASH_UNIT - 1) / TL_FLASH_UNIT * TL_FLASH_UNIT;
}

/* Two slots, each with room for the whole blob and its tag, in whole flash units. */
static uint32_t flash_bytes(const tl_model_t *model) {
  uint8_t header[TL_BLOB_HEADER_BYTES];
  tl_blob_layout_t layout;
  tl_blob_header(header, model, model->max_classes);
  if (tl_blob_check(header, model, &layout) != TL_BLOB_GOOD) return 0;
  return 2 * (whole_units(layout.total) + whole_units(TL_STORE_TAG_BYTES));
}

/* ---- the line to the host ---- */

static int make_room(twin_line_t *line, size_t n) {
  size_t room = line->room ? line->room : 1024;
  uint8_t *bytes;
  while (room - line->length < n) room *= 2;
  if (room == line->room) return 0;
  bytes = realloc(line->bytes, room);
  if (bytes == NULL) return -1;
  line->bytes = bytes;
  line->room = room;
  return 0;
}

static void write_line(void *context, const uint8_t *bytes, size_t n) {
  twin_line_t *line = &((twin_t *)context)->line;
  if (make_room(line, n) != 0) {
    line->lost = 1;
    return;
  }
  memcpy(line->bytes + line->length, bytes, n);
  line->length += n;
}

static void request_reset(void) { current->restart = 1; }

/* ---- life ---- */

static size_t input_bytes(const tl_model_t *model) {
  return (size_t)model->inputs * tl_type_bytes(model->input_type);
}

static size_t output_bytes(const tl_model_t *model) {
  return (size_t)model->outputs * tl_type_bytes(model->output_type);
}

/* Memory like tl_device's own, where it has any; 1 where the host has none left. */
static int allocate(void *member, const void *original, size_t bytes) {
  void *memory = NULL;
  if (original != NULL) {
    memory = calloc(1, bytes > 0 ? bytes : 1);
    if (memory == NULL) return 1;
  }
  memcpy(member, &memory, sizeof memory);
  return 0;
}

static int allocate_all(twin_t *twin) {
  const tl_model_t *model = tl_device.model;
  tl_device_t *device = &twin->device;
  int failed = 0;
  failed |= allocate(&device->state, tl_device.state, model->state_bytes);
  failed |= allocate(&device->input, tl_device.input, input_bytes(model));
  failed |= allocate(&device->output, tl_device.output, output_bytes(model));
  failed |= allocate(&device->target, tl_device.target, sizeof(float) * model->outputs);
  failed |= allocate(&device->labels, tl_device.labels, 4u * model->max_classes);
  failed |= allocate(&device->snapshot, tl_device.snapshot, model->weights_bytes);
  failed |= allocate(&twin->store, twin, twin->flash.bytes);
  return failed;
}

TWIN_API void twin_close(twin_t *twin) {
  if (twin == NULL) return;
  free(twin->device.state);
  free(twin->device.input);
  free(twin->device.output);
  free(twin->device.target);
  free(twin->device.labels);
  free(twin->device.snapshot);
  free(twin->store);
  free(twin->line.bytes);
  free(twin);
}

/* As after power-on: the flash keeps what it holds. */
TWIN_API void twin_restart(twin_t *twin) {
  twin->restart = 0;
  memset(&twin->session, 0, sizeof twin->session);
  tl_session_init(&twin->session, &twin->device, &twin->port, &twin->flash);
}

static void connect(twin_t *twin) {
  static const tl_session_port_t port = {write_line, NULL, NULL, NULL, request_reset, NULL};
  twin->port = port;
  twin->port.context = twin;
  twin->flash.read = flash_read;
  twin->flash.erase = flash_erase;
  twin->flash.program = flash_program;
  twin->flash.context = twin;
}

/* A device with erased flash; NULL where the host has no memory left. */
TWIN_API twin_t *twin_open(void) {
  twin_t *twin = calloc(1, sizeof *twin);
  if (twin == NULL) return NULL;
  twin->device = tl_device;
  twin->flash.bytes = flash_bytes(tl_device.model);
  if (allocate_all(twin) != 0) {
    twin_close(twin);
    return NULL;
  }
  memset(twin->store, 0xff, twin->flash.bytes);
  connect(twin);
  twin_restart(twin);
  return twin;
}

TWIN_API void twin_info(twin_info_t *info) {
  const tl_model_t *model = tl_device.model;
  info->inputs = model->inputs;
  info->outputs = model->outputs;
  info->weights_bytes = model->weights_bytes;
  info->state_bytes = model->state_bytes;
  info->max_classes = model->max_classes;
  info->loss = model->loss;
  info->can_learn = model->update != NULL;
  info->frame_bytes = TL_FRAME_BYTES;
  info->input_type = model->input_type;
  info->output_type = model->output_type;
  memcpy(info->hash, model->hash, TL_HASH_BYTES);
  info->name = model->name;
}

/* ---- the protocol ---- */

/* Bytes to the device, which answers at once. */
TWIN_API void twin_send(twin_t *twin, const uint8_t *bytes, size_t n) {
  size_t i;
  current = twin;
  for (i = 0; i < n; i++) {
    tl_session_receive(&twin->session, bytes[i]);
    if (twin->restart) {
      twin_restart(twin);
      tl_session_announce(&twin->session);
    }
  }
  current = NULL;
}

/* Bytes that wait for the host; SIZE_MAX where some were lost for want of memory. */
TWIN_API size_t twin_waiting(const twin_t *twin) {
  return twin->line.lost ? SIZE_MAX : twin->line.length;
}

/* Take up to n of them; returns how many. */
TWIN_API size_t twin_receive(twin_t *twin, uint8_t *to, size_t n) {
  twin_line_t *line = &twin->line;
  if (n > line->length) n = line->length;
  if (n == 0) return 0;
  memcpy(to, line->bytes, n);
  memmove(line->bytes, line->bytes + n, line->length - n);
  line->length -= n;
  return n;
}

/* ---- direct calls: n samples in a row; x is [n][inputs], y and t are [n][outputs] ---- */

/* The address of a sample, whatever its elements are. */
static const float *at(const void *samples, size_t bytes) {
  return (const float *)(const void *)((const char *)samples + bytes);
}

typedef void (*forward_t)(void *m, const float *x, float *y);
typedef float (*learn_t)(void *m, const float *x, const float *t);
typedef float (*learn_label_t)(void *m, const float *x, uint32_t label);

static int forward(twin_t *twin, forward_t call, const float *x, float *y, size_t n) {
  const tl_model_t *model = twin->device.model;
  size_t i;
  if (call == NULL) return -1;
  for (i = 0; i < n; i++)
    call(twin->device.state, at(x, i * input_bytes(model)),
         (float *)at(y, i * output_bytes(model)));
  return 0;
}

TWIN_API int twin_predict(twin_t *twin, const float *x, float *y, size_t n) {
  return forward(twin, twin->device.model->predict, x, y, n);
}

TWIN_API int twin_observe(twin_t *twin, const float *x, float *y, size_t n) {
  return forward(twin, twin->device.model->observe, x, y, n);
}

static int learn(twin_t *twin, learn_t call, const float *x, const float *t, float *losses,
                 size_t n) {
  const tl_model_t *model = twin->device.model;
  size_t i;
  if (call == NULL) return -1;
  for (i = 0; i < n; i++)
    losses[i] = call(twin->device.state, at(x, i * input_bytes(model)), t + i * model->outputs);
  return 0;
}

/* One step each, without a forward pass: x must be the sample of the last predict or observe,
 * so n is 1 in any use that makes sense. */
TWIN_API int twin_update(twin_t *twin, const float *x, const float *t, float *losses,
                         size_t n) {
  return learn(twin, twin->device.model->update, x, t, losses, n);
}

TWIN_API int twin_learn(twin_t *twin, const float *x, const float *t, float *losses, size_t n) {
  return learn(twin, twin->device.model->learn, x, t, losses, n);
}

static int learn_label(twin_t *twin, learn_label_t call, const float *x, const uint32_t *labels,
                       float *losses, size_t n) {
  size_t i;
  if (call == NULL) return -1;
  for (i = 0; i < n; i++)
    losses[i] = call(twin->device.state, at(x, i * input_bytes(twin->device.model)), labels[i]);
  return 0;
}

TWIN_API int twin_update_label(twin_t *twin, const float *x, const uint32_t *labels,
                               float *losses, size_t n) {
  return learn_label(twin, twin->device.model->update_label, x, labels, losses, n);
}

TWIN_API int twin_learn_label(twin_t *twin, const float *x, const uint32_t *labels,
                              float *losses, size_t n) {
  return learn_label(twin, twin->device.model->learn_label, x, labels, losses, n);
}

TWIN_API void twin_init(twin_t *twin) { twin->device.model->init(twin->device.state); }

TWIN_API int twin_read(const twin_t *twin, uint32_t offset, void *to, uint32_t n) {
  const tl_model_t *model = twin->device.model;
  return model->weights_read == NULL ? -1
                                     : model->weights_read(twin->device.state, offset, to, n);
}

TWIN_API int twin_write(twin_t *twin, uint32_t offset, const void *from, uint32_t n) {
  const tl_model_t *model = twin->device.model;
  return model->weights_write == NULL
             ? -1
             : model->weights_write(twin->device.state, offset, from, n);
}

TWIN_API int twin_set_rate(twin_t *twin, float rate) {
  if (twin->device.model->set_learning_rate == NULL) return -1;
  twin->device.model->set_learning_rate(twin->device.state, rate);
  return 0;
}

TWIN_API float twin_rate(const twin_t *twin) {
  const tl_model_t *model = twin->device.model;
  return model->learning_rate == NULL ? 0.0f : model->learning_rate(twin->device.state);
}

TWIN_API uint32_t twin_classes(const twin_t *twin) {
  const tl_model_t *model = twin->device.model;
  return model->classes == NULL ? model->outputs : model->classes(twin->device.state);
}

TWIN_API int twin_add_class(twin_t *twin) {
  const tl_model_t *model = twin->device.model;
  return model->add_class == NULL ? -1 : model->add_class(twin->device.state);
}

/* ---- the fleet: one message in, at most one out; out holds `room` bytes ---- */

TWIN_API size_t twin_fleet_take(twin_t *twin, const uint8_t *message, size_t n, uint8_t *out,
                                size_t room) {
  return tl_fleet_take(&twin->session.fleet, message, n, out, room);
}

TWIN_API size_t twin_fleet_announce(const twin_t *twin, uint32_t births, uint32_t free_ram,
                                    uint8_t *out, size_t room) {
  return tl_fleet_announce(&twin->session.fleet, births, free_ram, out, room);
}

TWIN_API int twin_fleet_phase(const twin_t *twin) { return twin->session.fleet.phase; }

/* Teaches samples while the task wants them, until there is something to send or they end.
 * Targets are t, or labels where t is NULL. Returns the message's bytes; *used: samples. */
TWIN_API size_t twin_fleet_learn(twin_t *twin, const float *x, const float *t,
                                 const uint32_t *labels, size_t n, size_t *used, uint8_t *out,
                                 size_t room) {
  const tl_model_t *model = twin->device.model;
  tl_learner_t *learner = &twin->session.learner;
  tl_fleet_t *fleet = &twin->session.fleet;
  size_t i, bytes = 0;
  for (i = 0; i < n && bytes == 0 && fleet->phase == TL_PHASE_LEARNING; i++) {
    if (t != NULL) {
      tl_learner_step_target(learner, at(x, i * input_bytes(model)), t + i * model->outputs);
    } else {
      tl_learner_step(learner, at(x, i * input_bytes(model)), labels[i]);
    }
    bytes = tl_fleet_learnt(fleet, out, room);
  }
  *used = i;
  return bytes;
}
