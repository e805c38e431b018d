/* vectors_s8.h: console and memory of vectors_s8.c and vectors_i8.c. */
#ifndef TL_TEST_VECTORS_S8_H
#define TL_TEST_VECTORS_S8_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

void start(void);
void put(const char *text);
/* Room number `which` for n bytes, at a word boundary; what it held before is gone. On the host
 * it ends with the n-th byte. */
uint8_t *room(int which, size_t n);

#endif
