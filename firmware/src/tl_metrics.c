/* tl_metrics.c: see tl_metrics.h. */
#include "tl_metrics.h"

void tl_average_restart(tl_average_t *average) {
  average->count = 0;
  average->mean = average->sum = average->weight = 0.0f;
}

void tl_average_add(tl_average_t *average, float x, float fading) {
  ++average->count;
  average->mean += (x - average->mean) / (float)average->count;
  average->sum = x + fading * average->sum;
  average->weight = 1.0f + fading * average->weight;
}

float tl_average_recent(const tl_average_t *average) {
  return average->weight > 0.0f ? average->sum / average->weight : 0.0f;
}
