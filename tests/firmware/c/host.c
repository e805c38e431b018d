/* host.c: see host.h; with accessors for tests through ctypes. */
#include "host.h"

#include <stdlib.h>
#include <string.h>

#include "tl_crc32.h"

static uint32_t ticks;

static uint32_t count(void) { return ticks += 7; }
static void stack_mark(void) {}
static uint32_t stack_used(void) { return 96; }
static void reset(void) { ++ticks; }

static void write_line(void *context, const uint8_t *bytes, size_t n) {
  host_t *host = context;
  if (n > LINE_BYTES - host->sent) abort();
  memcpy(host->line + host->sent, bytes, n);
  host->sent += n;
}

static void *room_for(size_t n) {
  void *room = malloc(n);
  if (room == NULL) abort();
  return memset(room, 0xa5, n);
}

static void allocate(host_t *host, uint32_t outputs) {
  host->session = room_for(sizeof *host->session);
  host->softmax = room_for(sizeof *host->softmax);
  host->linear = room_for(sizeof *host->linear);
  host->input = room_for(4 * INPUTS);
  host->output = room_for(4 * outputs);
  host->target = room_for(4 * outputs);
  host->labels = room_for(4 * MAX_CLASSES);
  host->snapshot = room_for(softmax_model.weights_bytes);
}

static void wire(host_t *host, int kind, int with_snapshot) {
  const tl_session_port_t port = {write_line, count, stack_mark, stack_used, reset, host};
  const tl_device_t device = {kind == 0 ? &softmax_model : &linear_model,
                              kind == 0 ? (void *)host->softmax : (void *)host->linear,
                              host->input,
                              host->output,
                              host->target,
                              &host->config,
                              kind == 0 ? host->labels : NULL,
                              with_snapshot ? host->snapshot : NULL};
  host->port = port;
  host->device = device;
}

host_t *host_new(int kind, uint32_t flash_bytes, int with_snapshot,
                 const tl_learner_config_t *config) {
  const tl_learner_config_t defaults = TL_LEARNER_DEFAULTS;
  host_t *host = room_for(sizeof *host);
  host->config = config != NULL ? *config : defaults;
  allocate(host, kind == 0 ? MAX_CLASSES : OUTPUTS);
  wire(host, kind, with_snapshot);
  flash_fill(&host->flash, flash_bytes);
  host_restart(host);
  return host;
}

void host_restart(host_t *host) {
  memset(host->session, 0xa5, sizeof *host->session);
  memset(host->softmax, 0xa5, sizeof *host->softmax);
  memset(host->linear, 0xa5, sizeof *host->linear);
  host->sent = 0;
  host->flash_port = flash_port(&host->flash);
  tl_session_init(host->session, &host->device, &host->port, &host->flash_port);
}

void host_free(host_t *host) {
  free(host->session);
  free(host->softmax);
  free(host->linear);
  free(host->input);
  free(host->output);
  free(host->target);
  free(host->labels);
  free(host->snapshot);
  free(host);
}

size_t host_exchange(host_t *host, const uint8_t *bytes, size_t n, uint8_t *reply,
                     size_t room) {
  size_t i, sent;
  for (i = 0; i < n; ++i) tl_session_receive(host->session, bytes[i]);
  sent = host->sent < room ? host->sent : room;
  memcpy(reply, host->line, sent);
  host->sent = 0;
  return sent;
}

/* ---- for ctypes ---- */

tl_learner_t *host_learner(host_t *host) { return &host->session->learner; }
tl_store_t *host_store(host_t *host) { return &host->session->store; }
flash_t *host_flash(host_t *host) { return &host->flash; }
const tl_step_t *learner_last(const tl_learner_t *learner) { return &learner->last; }
int learner_gate_open(const tl_learner_t *learner) { return learner->gate.open; }
const float *learner_outputs(const tl_learner_t *learner) { return learner->y; }
void host_set_rate(host_t *host, float rate) {
  host->device.model->set_learning_rate(host->device.state, rate);
}
int host_weights(const host_t *host, uint8_t *to) {
  return host->device.model->weights_read(host->device.state, 0, to,
                                          host->device.model->weights_bytes);
}
int host_set_weights(host_t *host, const uint8_t *from) {
  return host->device.model->weights_write(host->device.state, 0, from,
                                           host->device.model->weights_bytes);
}
int store_live(const tl_store_t *store) { return store->live; }
uint32_t store_sequence(const tl_store_t *store) { return store->sequence; }
int host_save(host_t *host) {
  return tl_store_save(&host->session->store, host->device.state,
                       &host->session->learner.labels);
}
uint32_t crc32_of(const uint8_t *bytes, size_t n) { return tl_crc32(0, bytes, n); }

/* Frame of n bytes of content; room for the CRC behind them. */
typedef struct {
  uint8_t *to;
  size_t n;
} sink_t;

static void collect(void *context, const uint8_t *bytes, size_t n) {
  sink_t *sink = context;
  memcpy(sink->to + sink->n, bytes, n);
  sink->n += n;
}

size_t frame_encode(uint8_t *content, size_t n, uint8_t *to) {
  sink_t sink = {to, 0};
  tl_frame_out(content, n, collect, &sink);
  return sink.n;
}

/* Content of the last intact frame among n bytes of line. */
size_t frame_decode(const uint8_t *line, size_t n, uint8_t *buffer, uint16_t size,
                    uint16_t *bad) {
  tl_frame_in_t in;
  size_t i, length, last = 0;
  tl_frame_in_init(&in, buffer, size);
  for (i = 0; i < n; ++i) {
    length = tl_frame_in_byte(&in, line[i]);
    if (length > 0) last = length;
  }
  *bad = in.bad;
  return last;
}

int drift_run(const tl_drift_config_t *config, const float *losses, int n) {
  tl_drift_t drift;
  int i;
  tl_drift_restart(&drift);
  for (i = 0; i < n; ++i) {
    if (tl_drift_step(&drift, config, losses[i])) return i;
  }
  return -1;
}
