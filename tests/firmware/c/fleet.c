/* fleet.c: the fleet client for tests through ctypes. */
#include "host.h"

#if TL_FLEET

#include <string.h>

#include "tl_fleet_update.h"
#include "tl_store_tag.h"

size_t host_fleet_take(host_t *host, const uint8_t *message, size_t n, uint8_t *out,
                       size_t room) {
  return tl_fleet_take(&host->session->fleet, message, n, out, room);
}

int host_fleet_phase(const host_t *host) { return host->session->fleet.phase; }
int host_mode(const host_t *host) { return host->session->learner.mode; }
uint32_t host_deployed(const host_t *host) { return host->session->fleet.deployed; }

/* As a program with a stream of its own does. */
void host_own_sample(host_t *host, const float *x, uint32_t label) {
  tl_learner_step(&host->session->learner, x, label);
  tl_session_learnt(host->session);
}

/* As the device program does. */
void host_boot(host_t *host) {
  host_restart(host);
  tl_session_announce(host->session);
}

/* ---- an update of any weights, without a device ---- */

static int read_floats(const void *m, uint32_t offset, void *to, uint32_t bytes) {
  memcpy(to, (const char *)m + offset, bytes);
  return 0;
}

static tl_model_t floats;

static tl_fleet_source_t source_of(const float *now, const float *version, uint32_t n) {
  tl_fleet_source_t source;
  floats.weights_read = read_floats;
  source.model = &floats;
  source.state = now;
  source.version = (const uint8_t *)version;
  source.first = 0;
  source.size = 4 * n;
  source.encoding = TL_ENCODING_SPARSE_DELTA;
  return source;
}

int update_prepare(tl_fleet_update_t *update, const float *now, const float *version,
                   uint32_t n, float share) {
  const tl_fleet_source_t source = source_of(now, version, n);
  return tl_fleet_update_prepare(update, &source, share);
}

void update_read(tl_fleet_update_t *update, const float *now, const float *version, uint32_t n,
                 uint32_t offset, uint8_t *to, uint32_t bytes) {
  const tl_fleet_source_t source = source_of(now, version, n);
  tl_fleet_update_read(update, &source, offset, to, bytes);
}

#else
typedef int no_fleet_t;
#endif
