/* tl_metrics.h: averages over a stream, each sample tested before it is learnt (prequential).
 */
#ifndef TL_METRICS_H
#define TL_METRICS_H

#include <stdint.h>

/* Mean over all samples and fading average S/B, S = x + a S, B = 1 + a B (J. Gama,
 * R. Sebastiao, P. P. Rodrigues, "On evaluating stream learning algorithms", Machine
 * Learning 90, 2013). */
typedef struct {
  uint32_t count;
  float mean;
  float sum, weight; /* S and B */
} tl_average_t;

/* 2^60. A larger loss counts as this much in averages and detector, so that they stay finite,
 * squares included, and fade back when the losses are good again. */
#define TL_MOST_LOSS 1152921504606846976.0f

float tl_limited(float loss);

void tl_average_restart(tl_average_t *average);

/* Forget the fading average; the mean over all samples goes on. */
void tl_average_restart_recent(tl_average_t *average);

/* Take in a finite x. */
void tl_average_add(tl_average_t *average, float x, float fading);

/* The fading average; 0 before the first sample. */
float tl_average_recent(const tl_average_t *average);

#endif
