/* host.h: a whole device in memory: session, model, simulated flash, a line that records. */
#ifndef HOST_H
#define HOST_H

#include "flash.h"
#include "models.h"
#include "tl_session.h"

enum { LINE_BYTES = 1 << 16 };

/* Each buffer is an allocation of its own, so that the address sanitizer sees their ends. */
typedef struct {
  tl_session_t *session;
  softmax_t *softmax;
  linear_t *linear;
  float *input, *output, *target;
  uint32_t *labels, *snapshot;
  tl_device_t device;
  tl_session_port_t port;
  tl_flash_t flash_port;
  tl_learner_config_t config;
  flash_t flash;
  uint8_t line[LINE_BYTES];
  size_t sent;
} host_t;

/* kind 0: softmax, 1: linear. A restart keeps the flash. */
host_t *host_new(int kind, uint32_t flash_bytes, int with_snapshot,
                 const tl_learner_config_t *config);
void host_restart(host_t *host);
void host_free(host_t *host);

/* Bytes from the line; what is sent gathers in host->line. Returns its length; clears it. */
size_t host_exchange(host_t *host, const uint8_t *bytes, size_t n, uint8_t *reply, size_t room);

#endif
