/* avr_stack.c: the stack's high-water mark by painting what lies between variables and stack.
 */
#include <avr/io.h>

#include "tl_port.h"

#define PAINT 0xc5

extern uint8_t __heap_start; /* first byte behind the variables, from the linker script */

static uint8_t *marked; /* the stack pointer at the last mark() */

void tl_port_stack_mark(void) {
  volatile uint8_t *p = &__heap_start;
  volatile uint8_t *end = (uint8_t *)SP;
  while (p < end) *p++ = PAINT;
  marked = (uint8_t *)SP;
}

uint32_t tl_port_stack_used(void) {
  const volatile uint8_t *p = &__heap_start;
  while (p < marked && *p == PAINT) p++;
  return (uint32_t)(marked - p);
}
