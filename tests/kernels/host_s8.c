/* host_s8.c: console and memory of vectors_s8.c on the host. */
#include <stdio.h>
#include <stdlib.h>

#include "vectors_s8.h"

static uint8_t *rooms[3];

void start(void) {}

void put(const char *text) { fputs(text, stdout); }

/* A block each, so that AddressSanitizer sees its end. */
uint8_t *room(int which, size_t n) {
  free(rooms[which]);
  rooms[which] = malloc(n);
  if (rooms[which] == NULL) abort();
  return rooms[which];
}
