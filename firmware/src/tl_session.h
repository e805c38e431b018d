/* tl_session.h: the device's end of the protocol: bytes in, requests carried out, replies out.
 * The messages are in FORMAT.md. One request at a time; one frame buffer for both ways. */
#ifndef TL_SESSION_H
#define TL_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "tl_device.h"
#if TL_FLEET
#include "tl_fleet.h"
#endif
#include "tl_frame.h"
#include "tl_learner.h"
#include "tl_store.h"

/* What the session needs of the platform; tl_port.h has functions of these shapes. Any but
 * write may be NULL: the cost is then reported as 0, RESET as not supported. */
typedef struct {
  void (*write)(void *context, const uint8_t *bytes, size_t n);
  uint32_t (*count)(void);  /* free-running instruction or cycle counter */
  void (*stack_mark)(void); /* see tl_port.h */
  uint32_t (*stack_used)(void);
  void (*reset)(void);
  void *context; /* for write */
} tl_session_port_t;

/* Bytes of a reply to a request that has effects, kept for when the request comes again. */
#define TL_KEPT_BYTES 20

typedef struct {
  const tl_device_t *device;
  const tl_session_port_t *port;
  tl_learner_t learner;
  tl_store_t store;
#if TL_FLEET
  tl_fleet_t fleet;
#endif
  tl_frame_in_t in;
  uint32_t kept_crc; /* of the last request that had effects; 0: none */
  uint8_t kept_type, kept_bytes;
  uint8_t kept[TL_KEPT_BYTES];
  uint8_t frame[TL_FRAME_BYTES];
} tl_session_t;

/* Initialise the model's state and the learner, and load the newest weights from the flash
 * (NULL or bytes = 0: none). All that is pointed to must outlive the session. */
void tl_session_init(tl_session_t *session, const tl_device_t *device,
                     const tl_session_port_t *port, const tl_flash_t *flash);

/* Take one byte of the line; answers when it completes a request. */
void tl_session_receive(tl_session_t *session, uint8_t byte);

#if TL_FLEET
/* Tell whoever listens that the program has started: an ANNOUNCE without births. */
void tl_session_announce(tl_session_t *session);

/* After each step of session->learner that the program makes itself, with samples of its own:
 * sends what the fleet's task then needs to have sent. */
void tl_session_learnt(tl_session_t *session);
#endif

#endif
