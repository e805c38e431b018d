/* tl_metrics.c: see tl_metrics.h. */
#include "tl_metrics.h"

float tl_limited(float loss) { return loss > TL_MOST_LOSS ? TL_MOST_LOSS : loss; }

void tl_average_restart(tl_average_t *average) {
  average->count = 0;
  average->mean = 0.0f;
  tl_average_restart_recent(average);
}

void tl_average_restart_recent(tl_average_t *average) { average->sum = average->weight = 0.0f; }

void tl_average_add(tl_average_t *average, float x, float fading) {
  x = tl_limited(x);
  ++average->count;
  average->mean += (x - average->mean) / (float)average->count;
  average->sum = x + fading * average->sum;
  average->weight = 1.0f + fading * average->weight;
}

float tl_average_recent(const tl_average_t *average) {
  return average->weight > 0.0f ? average->sum / average->weight : 0.0f;
}
