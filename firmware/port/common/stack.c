/* stack.c: the stack's high-water mark by painting. */
#include <stdint.h>

#include "tl_port.h"

#define PAINT 0xa5c3965au

#if defined(__riscv)
#define READ_STACK_POINTER "mv %0, sp"
#else
#define READ_STACK_POINTER "mov %0, sp"
#endif

extern uint32_t tl_stack_limit[]; /* lowest word of the stack, from sections.ld */

static volatile uint32_t *marked; /* the caller's stack pointer at the last mark() */

void tl_port_stack_mark(void) {
  volatile uint32_t *p = tl_stack_limit;
  volatile uint32_t *end;
  __asm__ volatile(READ_STACK_POINTER : "=r"(end));
  while (p < end) *p++ = PAINT;
  marked = __builtin_dwarf_cfa();
}

uint32_t tl_port_stack_used(void) {
  const volatile uint32_t *p = tl_stack_limit;
  while (p < marked && *p == PAINT) p++;
  return (uint32_t)((uintptr_t)marked - (uintptr_t)p);
}
