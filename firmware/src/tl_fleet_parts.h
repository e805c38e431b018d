/* tl_fleet_parts.h: what the files of the fleet client share; not for programs. */
#ifndef TL_FLEET_PARTS_H
#define TL_FLEET_PARTS_H

#include "tl_fleet.h"

/* A message's body, and room for the answer, which may be the same memory: whatever is needed
 * of the body is read before the answer is written. */
typedef struct {
  const uint8_t *body;
  size_t length;
  uint8_t *out;
  size_t room;
} tl_fleet_exchange_t;

/* Messages up; each returns its bytes. */
size_t tl_fleet_pull(const tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange);
size_t tl_fleet_progress(const tl_fleet_t *fleet, uint8_t *out);
/* At the end of learning; 0, or -1 where the weights are not finite. */
int tl_fleet_prepare(tl_fleet_t *fleet);
size_t tl_fleet_piece(tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange);
size_t tl_fleet_say_deployed(const tl_fleet_t *fleet, tl_fault_t fault, uint8_t *out);

typedef struct {
  uint8_t fault, request; /* tl_fault_t; type of the message that is refused */
  uint32_t detail, run, round;
} tl_fleet_refusal_t;

size_t tl_fleet_refuse(const tl_fleet_refusal_t *refusal, uint8_t *out);

/* Does every weight learn, in float32? */
int tl_fleet_can_learn(const tl_model_t *model);

/* The fields of a TASK; samples 0 where they cannot be counted. */
void tl_fleet_get_task(tl_fleet_task_t *task, const uint8_t *body);

/* Fault and detail; fault 0 where the task can be done. */
tl_fleet_refusal_t tl_fleet_judge(const tl_fleet_t *fleet, const tl_fleet_task_t *task,
                                  const tl_fleet_exchange_t *exchange);

/* DEPLOY, and a chunk of its blob. */
size_t tl_fleet_take_deploy(tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange);
size_t tl_fleet_take_blob(tl_fleet_t *fleet, const tl_fleet_exchange_t *exchange);

#endif
