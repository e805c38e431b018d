/* tl_fleet_message.h: the numbers of the fleet's messages; FORMAT.md, section 6, has the
 * layouts. tinylearn/fleet/messages.py is the host's copy; a test compares the two. */
#ifndef TL_FLEET_MESSAGE_H
#define TL_FLEET_MESSAGE_H

/* Types: up from a device, down from the coordinator. */
enum {
  TL_FLEET_ANNOUNCE = 0x20,
  TL_FLEET_PULL = 0x21,
  TL_FLEET_UPDATE = 0x22,
  TL_FLEET_PROGRESS = 0x23,
  TL_FLEET_DEPLOYED = 0x24,
  TL_FLEET_GONE = 0x25, /* sent by a device's link, not by the device */
  TL_FLEET_REFUSAL = 0x2f,
  TL_FLEET_TASK = 0x30,
  TL_FLEET_CHUNK = 0x31,
  TL_FLEET_NEXT = 0x32,
  TL_FLEET_RECEIPT = 0x33,
  TL_FLEET_DEPLOY = 0x34,
  TL_FLEET_WHO = 0x35
};

/* Types from 0x20 to 0x3f are the fleet's, those from 0x30 on are down. */
#define TL_FLEET_IS_MESSAGE(type) (((type) & 0xe0) == 0x20)
#define TL_FLEET_IS_DOWN(type) (((type) & 0xf0) == 0x30)

/* Capabilities in ANNOUNCE, as bits. */
enum { TL_FLEET_CAN_LEARN = 1, TL_FLEET_CAN_STORE = 4, TL_FLEET_CAN_SPARSE = 8 };

/* Flags of TASK. */
enum { TL_TASK_SPARSE = 1, TL_TASK_INLINE = 2 };

/* What the stream of an update holds. */
enum { TL_ENCODING_WEIGHTS = 0, TL_ENCODING_SPARSE_DELTA = 1 };

/* Where a device is with its task. */
typedef enum {
  TL_PHASE_IDLE = 0,
  TL_PHASE_PULLING = 1,
  TL_PHASE_LEARNING = 2,
  TL_PHASE_SENDING = 3,
  TL_PHASE_DONE = 4
} tl_phase_t;

/* What became of an update. */
enum {
  TL_VERDICT_ACCEPTED = 0,
  TL_VERDICT_LATE = 1,
  TL_VERDICT_STALE = 2,
  TL_VERDICT_FOREIGN = 3,
  TL_VERDICT_REFUSED = 4,
  TL_VERDICT_ENDED = 5
};

/* Why a device cannot do what it was asked; with REFUSAL's detail. */
typedef enum {
  TL_FAULT_NONE = 0,
  TL_FAULT_VERSION = 1,     /* the device's protocol version */
  TL_FAULT_TYPE = 2,        /* unknown message */
  TL_FAULT_LENGTH = 3,      /* of the message, or a range beyond the weights: their bytes */
  TL_FAULT_MODEL = 4,       /* another model */
  TL_FAULT_UNSUPPORTED = 5, /* a tl_unsupported_t */
  TL_FAULT_DAMAGED = 6,     /* the CRC did not match, three times */
  TL_FAULT_STORE = 7,       /* no flash for weights, too little, or it failed */
  TL_FAULT_DIVERGED = 8 /* a sample or its loss, or a weight, is not finite: samples learnt */
} tl_fault_t;

/* Details of TL_FAULT_UNSUPPORTED. */
typedef enum {
  TL_UNSUPPORTED_LEARNING =
      1,                     /* the model does not learn, or not all its weights are float32 */
  TL_UNSUPPORTED_MEMORY = 2, /* no snapshot memory to keep the version in */
  TL_UNSUPPORTED_VALUE = 3   /* a flag that is unknown or a value that makes no sense */
} tl_unsupported_t;

/* Bytes of bodies, without the header and without what follows a fixed part. */
enum {
  TL_FLEET_ANNOUNCE_BYTES = 44,
  TL_FLEET_PULL_BYTES = 20,
  TL_FLEET_UPDATE_BYTES = 32,
  TL_FLEET_PROGRESS_BYTES = 28,
  TL_FLEET_DEPLOYED_BYTES = 8,
  TL_FLEET_GONE_BYTES = 4,
  TL_FLEET_REFUSAL_BYTES = 16,
  TL_FLEET_TASK_BYTES = 64,
  TL_FLEET_CHUNK_BYTES = 8,
  TL_FLEET_NEXT_BYTES = 12,
  TL_FLEET_RECEIPT_BYTES = 12,
  TL_FLEET_DEPLOY_BYTES = 28,
  TL_FLEET_WHO_BYTES = 0
};

/* Room that any answer, and any message down without data, fits in. */
#define TL_FLEET_LEAST_ROOM 72

#endif
