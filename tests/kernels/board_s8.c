/* board_s8.c: console and memory of vectors_s8.c on a board, over its port. */
#include "tl_port.h"
#include "vectors_s8.h"

#define ROOM_BYTES 3072

void start(void) { tl_port_init(); }

void put(const char *text) { tl_port_write((const uint8_t *)text, strlen(text)); }

uint8_t *room(int which, size_t n) {
  static uint32_t rooms[3][ROOM_BYTES / 4];
  if (n > ROOM_BYTES) put("ROOM TOO SMALL ");
  return (uint8_t *)rooms[which];
}
