/* baremetal.c: start-up, console (semihosting) and memory for vectors.c on QEMU's Cortex-M
 * boards mps2-an385 (M3) and mps2-an386 (M4F). */
#include <stddef.h>
#include <stdint.h>

int main(void);
void reset(void);
void put(const char *text);
float *allocate(size_t floats);
int finish(void);

extern uint32_t tl_data_load, tl_data_start, tl_data_end, tl_bss_start, tl_bss_end, tl_stack;

static void semihost(uint32_t operation, const void *argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void put(const char *text) { semihost(4, text); } /* SYS_WRITE0 */

int finish(void) {
  semihost(0x18, (const void *)0x20026); /* SYS_EXIT, application exit */
  return 0;
}

static void fault(void) {
  put("FAULT\n");
  finish();
}

void reset(void) {
  uint32_t *from = &tl_data_load, *to;
  *(volatile uint32_t *)0xe000ed88u |= 0xf00000u; /* CPACR: the FPU on, where there is one */
  for (to = &tl_data_start; to < &tl_data_end;) *to++ = *from++;
  for (to = &tl_bss_start; to < &tl_bss_end;) *to++ = 0;
  main();
}

__attribute__((section(".vectors"), used)) static void *const vectors[] = {
    &tl_stack,     (void *)reset, (void *)fault, (void *)fault,
    (void *)fault, (void *)fault, (void *)fault};

float *allocate(size_t floats) {
  static float arena[300000];
  static size_t used;
  float *p = arena + used;
  union {
    uint32_t u;
    float f;
  } guard = {0x7fa5a5a5u};
  p[floats] = guard.f;
  used += floats + 1;
  return p;
}
