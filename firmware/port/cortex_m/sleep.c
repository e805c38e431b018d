/* sleep.c: WFI with the interrupt masked; SysTick ends it after a millisecond. */
#include "sleep.h"

#define SYST_CONTROL (*(volatile uint32_t *)0xe000e010u)
#define SYST_RELOAD (*(volatile uint32_t *)0xe000e014u)
#define SYST_VALUE (*(volatile uint32_t *)0xe000e018u)
#define NVIC_ENABLE ((volatile uint32_t *)0xe000e100u)
#define NVIC_UNPEND ((volatile uint32_t *)0xe000e280u)
#define ICSR (*(volatile uint32_t *)0xe000ed04u)

#define SYST_RUN 7u /* core clock, exception, enable */
#define ICSR_UNPEND_SYST (1u << 25)

void tl_sleep_init(uint32_t irq) {
  __asm__ volatile("cpsid i" ::: "memory");
  NVIC_ENABLE[irq / 32] = 1u << irq % 32;
}

void tl_sleep_rearm(uint32_t irq) { NVIC_UNPEND[irq / 32] = 1u << irq % 32; }

void tl_sleep(uint32_t clock_hz) {
  SYST_RELOAD = clock_hz / 1000u - 1u;
  SYST_VALUE = 0;
  SYST_CONTROL = SYST_RUN;
  __asm__ volatile("dsb\n\twfi" ::: "memory");
  SYST_CONTROL = 0;
  ICSR = ICSR_UNPEND_SYST;
}
