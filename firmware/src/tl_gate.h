/* tl_gate.h: when a device that learns only after a drift does learn. */
#ifndef TL_GATE_H
#define TL_GATE_H

#include <stdint.h>

#include "tl_metrics.h"

typedef struct {
  float recovery; /* close when the loss since opening is <= recovery * loss before */
  uint16_t least; /* samples that the gate stays open at the least */
  uint32_t most;  /* and at the most */
} tl_gate_config_t;

#define TL_GATE_DEFAULTS {1.25f, 64, 2000}

typedef struct {
  float goal;          /* loss to come back to; 0: none known, the gate closes after `most` */
  tl_average_t losses; /* since the gate opened */
  uint8_t open;
} tl_gate_t;

void tl_gate_close(tl_gate_t *gate);

/* Open, or stay open anew. normal_loss: the level before the drift, 0 where unknown. A gate
 * that is open without a goal stays so: a level met before anything was learnt is no goal. */
void tl_gate_open(tl_gate_t *gate, const tl_gate_config_t *config, float normal_loss);

/* Take in the loss of a sample that was learnt; closes the gate when it is time. */
void tl_gate_step(tl_gate_t *gate, const tl_gate_config_t *config, float loss, float fading);

#endif
