/* tl_fleet.h: a device's part in federated learning: takes a task, pulls weights, learns
 * samples of its own stream, sends what it learnt until it has the receipt. Reactive: a message
 * in, at most one out; no clock, no heap, no I/O. All state is in RAM; after a restart a task
 * begins anew. The messages, and why repeated, lost and reordered ones do no harm, are in
 * FORMAT.md, section 6. Compiled only with TL_FLEET=1. */
#ifndef TL_FLEET_H
#define TL_FLEET_H

#include <stddef.h>
#include <stdint.h>

#include "tl_device.h"
#include "tl_fleet_message.h"
#include "tl_fleet_update.h"
#include "tl_learner.h"
#include "tl_store.h"

/* What is to be done: from TASK. While a deployment is pulled, version, size and crc are its
 * own and run and round are 0. */
typedef struct {
  uint32_t run, round, version;
  uint32_t first, size, crc; /* of the exchanged bytes of the weights */
  uint32_t samples;          /* to learn, all passes together */
  float rate, share;
  uint16_t attempt;
  uint16_t local_samples; /* to learn first; 0 when that is done */
  uint8_t flags;
} tl_fleet_task_t;

typedef struct {
  const tl_device_t *device;
  tl_learner_t *learner;
  tl_store_t *store;
  tl_fleet_task_t task;
  tl_fleet_update_t update; /* its crc counts the pulled bytes while PULLING */
  uint32_t
      position; /* PULLING: bytes pulled; LEARNING: samples; SENDING: offset of the piece */
  uint32_t deployed; /* version in the store; 0: none, or not known */
  float loss;        /* mean of the samples */
  float own_rate;    /* the device's, for after the task */
  uint8_t own_mode;
  uint8_t phase;     /* tl_phase_t */
  uint8_t tries;     /* pulls that were damaged */
  uint8_t deploying; /* 0, or 1 + tasks turned away since the deployment last moved on */
} tl_fleet_t;

/* After the session's or the program's own start: model, learner and store are ready. All must
 * outlive the fleet; store->flash may be NULL. */
void tl_fleet_init(tl_fleet_t *fleet, const tl_device_t *device, tl_learner_t *learner,
                   tl_store_t *store);

/* Take one message down of n bytes, header and body; write the answer to out. Returns its
 * bytes, 0 where there is none. `room` bytes, at least TL_FLEET_LEAST_ROOM, are what the device
 * can take and send at once; out may be the message itself. */
size_t tl_fleet_take(tl_fleet_t *fleet, const uint8_t *message, size_t n, uint8_t *out,
                     size_t room);

/* After each step of the learner; writes what is now to be sent, as tl_fleet_take does: the
 * first piece of the update, PROGRESS when the local phase ends, or a REFUSAL. */
size_t tl_fleet_learnt(tl_fleet_t *fleet, uint8_t *out, size_t room);

/* Who is there. births: starts so far, free_ram: bytes, where the caller knows them. */
size_t tl_fleet_announce(const tl_fleet_t *fleet, uint32_t births, uint32_t free_ram,
                         uint8_t *out, size_t room);

/* Something else is about to change weights, learning mode or rate, or the store: the task or
 * deployment under way ends without a word, and begins anew when the coordinator asks again. */
void tl_fleet_abandon(tl_fleet_t *fleet);

/* Afterwards: see what the store holds now. */
void tl_fleet_look(tl_fleet_t *fleet);

#endif
