/* tl_message.h: the numbers of the device protocol; FORMAT.md has the layouts.
 * tinylearn/device/messages.py is the host's copy; a test compares the two. */
#ifndef TL_MESSAGE_H
#define TL_MESSAGE_H

#define TL_PROTOCOL_VERSION 1
#define TL_MESSAGE_HEADER_BYTES 8

/* version u8, type u8, sequence u16, length u16, flags u16 */
enum {
  TL_AT_VERSION = 0,
  TL_AT_TYPE = 1,
  TL_AT_SEQUENCE = 2,
  TL_AT_LENGTH = 4,
  TL_AT_FLAGS = 6
};

/* Request types. A reply has the request's type | TL_IS_REPLY, or is TL_ERROR. */
enum {
  TL_INFO = 1,
  TL_READ = 2,
  TL_WRITE = 3,
  TL_PREDICT = 4,
  TL_LEARN = 5,
  TL_SET = 6,
  TL_METRICS = 7,
  TL_SNAPSHOT = 8,
  TL_ROLLBACK = 9,
  TL_UPLOAD_BEGIN = 10,
  TL_UPLOAD_CHUNK = 11,
  TL_UPLOAD_COMMIT = 12,
  TL_SAVE = 13,
  TL_LOAD = 14,
  TL_RESET = 15,
  TL_IS_REPLY = 0x80,
  TL_ERROR = 0xff
};

/* Flags of READ and WRITE: what is read or written. */
enum {
  TL_AREA_INPUT = 1,   /* write only: float32[inputs] */
  TL_AREA_TARGET = 2,  /* write only: float32[outputs] */
  TL_AREA_OUTPUT = 3,  /* read only: float32[outputs] */
  TL_AREA_WEIGHTS = 4, /* read only: the weights' bytes */
  TL_AREA_TENSORS = 5, /* read only: offset u32, count u32 each */
  TL_AREA_LABELS = 6,  /* read only: u32 for each output in use */
  TL_AREA_NAME = 7     /* read only: UTF-8, no terminator */
};

/* Flags of PREDICT and LEARN. */
enum {
  TL_FLAG_MEASURE = 1, /* report instructions and stack */
  TL_FLAG_RAW = 2,     /* LEARN: the model's own step, without the learner */
  TL_FLAG_TARGET = 4,  /* LEARN: from the target area, not a label */
  TL_FLAG_OBSERVE = 8, /* PREDICT: running statistics take the input in */
  TL_FLAG_TASK = 16    /* LEARN: only while the task of a fleet learns */
};

/* Keys of SET. */
enum { TL_SET_LEARNING_RATE = 1, TL_SET_MODE = 2, TL_SET_CLEAR_METRICS = 3 };

/* Kinds of RESET. */
enum {
  TL_RESET_PROGRAM = 0, /* restart as after power-on: the stored weights return */
  TL_RESET_WEIGHTS = 1, /* initial weights, fresh learner; the store stays */
  TL_RESET_FACTORY = 2  /* the same, and the store is erased */
};

/* Capabilities in INFO, as bits. */
enum {
  TL_CAN_LEARN = 1,
  TL_CAN_GROW = 2,
  TL_CAN_STORE = 4,
  TL_CAN_SNAPSHOT = 8,
  TL_CAN_COUNT = 16,
  TL_CAN_STACK = 32,
  TL_CAN_RESTART = 64,
  TL_INPUT_TYPE_SHIFT = 8, /* two bits each of tl_type_t */
  TL_OUTPUT_TYPE_SHIFT = 10
};

/* Codes of ERROR. */
typedef enum {
  TL_E_NONE = 0,
  TL_E_VERSION = 1,     /* detail: the device's protocol version */
  TL_E_TYPE = 2,        /* unknown request */
  TL_E_LENGTH = 3,      /* the payload has not the length it should have */
  TL_E_AREA = 4,        /* no such area, or it cannot be read or written */
  TL_E_RANGE = 5,       /* detail: size of the area */
  TL_E_UNSUPPORTED = 6, /* this model or board cannot do that */
  TL_E_VALUE = 7,       /* an unknown key, or a value that makes no sense */
  TL_E_EMPTY = 8,       /* no snapshot taken, or nothing in the store */
  TL_E_NO_STORE = 9,    /* no flash, or too small */
  TL_E_ORDER = 10,      /* detail: the offset that should come next */
  TL_E_NOT_BLOB = 11,
  TL_E_BLOB_VERSION = 12,
  TL_E_FOREIGN = 13, /* the blob is of another model */
  TL_E_MALFORMED = 14,
  TL_E_DAMAGED = 15, /* CRC or end mark */
  TL_E_FLASH = 16,   /* the flash failed */
  TL_E_TASK = 17     /* no task of a fleet is learning */
} tl_error_t;

/* Sizes of payloads, in bytes. */
enum {
  TL_ERROR_BYTES = 8,
  TL_INFO_BYTES = 48,
  TL_READ_HEAD_BYTES = 8,
  TL_PREDICT_HEAD_BYTES = 12,
  TL_LEARN_REPLY_BYTES = 20,
  TL_METRICS_BYTES = 48
};

#endif
