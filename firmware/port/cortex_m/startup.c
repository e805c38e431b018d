/* startup.c: vector table and reset of a Cortex-M; see the Armv6-M, v7-M and v8-M reference
 * manuals for the registers. Interrupts are not used. */
#include <stdint.h>

#include "boot.h"
#include "tl_port.h"

#define CCR (*(volatile uint32_t *)0xe000ed14u)
#define CPACR (*(volatile uint32_t *)0xe000ed88u)
#define AIRCR (*(volatile uint32_t *)0xe000ed0cu)

#define MPU_TYPE (*(volatile uint32_t *)0xe000ed90u)
#define MPU_CONTROL (*(volatile uint32_t *)0xe000ed94u)
#define MPU_REGION (*(volatile uint32_t *)0xe000ed98u)
#define MPU_BASE (*(volatile uint32_t *)0xe000ed9cu)
#define MPU_ATTRIBUTES (*(volatile uint32_t *)0xe000eda0u)

#define CCR_LOOP_CACHE (1u << 19)           /* low-overhead branches, Armv8.1-M */
#define CPACR_FLOAT (0xfu << 20)            /* coprocessors 10 and 11: FPU and MVE */
#define AIRCR_RESET (0x05fa0000u | 1u << 2) /* key, SYSRESETREQ */
#define MPU_ENABLE (1u | 1u << 2)           /* with the default map as background */
#define GUARD_BYTES 4096u
#define GUARD (1u << 28 | 11u << 1 | 1u) /* execute never, no access, 2^(11+1) bytes */

extern uint32_t tl_stack_top[], tl_stack_limit[]; /* from sections.ld */

void tl_reset_handler(void);

/* A fault is a defect, or a stack that overflowed. Faulting again locks the core up, which
 * every emulator and debugger reports, and many chips answer with a reset. */
static void fault(void) {
  for (;;) __asm__ volatile("udf #0");
}

struct vectors {
  uint32_t *stack;
  void (*handlers[15])(void);
};

__attribute__((section(".tl_vectors"), used)) static const struct vectors table = {
    tl_stack_top,
    {tl_reset_handler, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault,
     fault, fault, fault, fault}};

/* Before any code that the compiler may let use a floating-point register. */
static inline void enable_float(void) {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  CPACR |= CPACR_FLOAT;
#endif
#if defined(__ARM_ARCH_8_1M_MAIN__)
  CCR |= CCR_LOOP_CACHE;
#endif
  __asm__ volatile("dsb\n\tisb" ::: "memory");
}

/* A stack that overflows faults. An Armv6-M core has neither way; there it is the hole below
 * the RAM that faults. */
static inline void guard_stack(void) {
#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
  __asm__ volatile("msr msplim, %0" ::"r"(tl_stack_limit));
#elif defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__)
  if (MPU_TYPE == 0) return;
  MPU_REGION = 0;
  MPU_BASE = (uint32_t)(uintptr_t)tl_stack_limit - GUARD_BYTES;
  MPU_ATTRIBUTES = GUARD;
  MPU_CONTROL = MPU_ENABLE;
#endif
}

void tl_reset_handler(void) {
  guard_stack();
  enable_float();
  tl_boot();
}

void tl_port_reset(void) {
  __asm__ volatile("dsb" ::: "memory");
  AIRCR = AIRCR_RESET;
  for (;;) __asm__ volatile("dsb");
}
