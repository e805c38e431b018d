/* tl_drift.h: detects that the losses of a stream have risen. 16 bytes of state.
 *
 * A one-sided CUSUM (E. S. Page, "Continuous inspection schemes", Biometrika 41, 1954) of the
 * loss in units of its own standard deviation, with mean and deviation taken from the stream
 * itself (self-starting CUSUM: D. M. Hawkins, The Statistician 36, 1987) and single outliers
 * clipped (robust CUSUM: J. M. Lucas, R. B. Crosier, Communications in Statistics 11, 1982).
 * Being free of scale, one set of parameters serves regression and classification. */
#ifndef TL_DRIFT_H
#define TL_DRIFT_H

#include <stdint.h>

typedef struct {
  float slack;     /* rise per sample that is no drift, in standard deviations */
  float threshold; /* accumulated rise at which a drift is reported; 0: detector off */
  float clip;      /* most that one sample counts, in standard deviations */
  uint16_t warmup; /* samples after a restart that only teach mean and deviation; >= 2 */
  uint16_t memory; /* samples over which mean and deviation forget the past; >= warmup */
} tl_drift_config_t;

/* Rarely a false alarm, even for losses with a heavy tail; firmware/README.md has the table. */
#define TL_DRIFT_DEFAULTS {0.25f, 25.0f, 4.0f, 32, 1024}

typedef struct {
  float mean, variance; /* of the losses */
  float rise;           /* the CUSUM */
  uint32_t count;       /* samples since the restart */
} tl_drift_t;

/* Forget the past: the next losses are the new normal. */
void tl_drift_restart(tl_drift_t *drift);

/* Take in one finite loss. Returns 1 where a drift is detected (call restart then), else 0. */
int tl_drift_step(tl_drift_t *drift, const tl_drift_config_t *config, float loss);

#endif
