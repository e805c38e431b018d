/* tl_gate.c: see tl_gate.h. */
#include "tl_gate.h"

void tl_gate_close(tl_gate_t *gate) {
  gate->open = 0;
  gate->goal = 0.0f;
  tl_average_restart(&gate->losses);
}

void tl_gate_open(tl_gate_t *gate, const tl_gate_config_t *config, float normal_loss) {
  if (!gate->open || gate->goal > 0.0f) gate->goal = config->recovery * normal_loss;
  gate->open = 1;
  tl_average_restart(&gate->losses);
}

void tl_gate_step(tl_gate_t *gate, const tl_gate_config_t *config, float loss, float fading) {
  int recovered;
  if (!gate->open) return;
  tl_average_add(&gate->losses, loss, fading);
  recovered = gate->goal > 0.0f && tl_average_recent(&gate->losses) <= gate->goal;
  if (gate->losses.count < config->least) return;
  if (recovered || gate->losses.count >= config->most) tl_gate_close(gate);
}
