/* tl_frame.h: frames over any byte stream: COBS (S. Cheshire, M. Baker, "Consistent overhead
 * byte stuffing", IEEE/ACM Transactions on Networking 7(2), 1999) and a CRC-32 at the end.
 * A frame is its delimiter 0, the stuffed bytes of (content, CRC), and another 0. */
#ifndef TL_FRAME_H
#define TL_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define TL_FRAME_CRC_BYTES 4

/* Decoder state; the bytes go into the caller's buffer. */
typedef struct {
  uint8_t *buffer;
  uint16_t size;   /* of the buffer */
  uint16_t length; /* bytes decoded so far */
  uint8_t left;    /* bytes until the next code byte; 0: the next byte is a code */
  uint8_t zero;    /* the block ends in a zero, unless the frame does */
  uint8_t lost;    /* too long or malformed: wait for the delimiter */
  uint16_t bad;    /* frames dropped */
} tl_frame_in_t;

void tl_frame_in_init(tl_frame_in_t *in, uint8_t *buffer, uint16_t size);

/* Take one byte. Returns the length of the content (without CRC) when the byte completes an
 * intact frame, which stays in the buffer until the next call; else 0. */
uint16_t tl_frame_in_byte(tl_frame_in_t *in, uint8_t byte);

/* Send the n bytes of content at `bytes`, which has room for the CRC behind them: the CRC is
 * written there, the frame goes out piece by piece. */
void tl_frame_out(uint8_t *bytes, size_t n,
                  void (*write)(void *context, const uint8_t *bytes, size_t n), void *context);

#endif
