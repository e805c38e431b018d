/* startup.c: reset and traps of a RISC-V hart in machine mode. Interrupts are not used. */
#include <stdint.h>

#include "board.h"
#include "boot.h"

#define TEST (*(volatile uint32_t *)TL_TEST_BASE)

enum { TEST_FAIL = 0x13333 }; /* exit status 1 */

/* Called by name from the assembly below. */
void tl_trap(void);

/* A trap is a defect; the machine ends and says so. */
__attribute__((used, aligned(4))) void tl_trap(void) {
  TEST = TEST_FAIL;
  for (;;) continue;
}

/* Written in assembly since there is no stack yet. PMP entry 0 forbids the page below the
 * stack (locked, NAPOT, no access), so that an overflow traps. */
__asm__(
    ".section .tl_vectors, \"ax\"\n"
    ".option push\n"
    ".option arch, +zicsr\n"
    ".globl tl_reset_handler\n"
    "tl_reset_handler:\n"
    "  la sp, tl_stack_top\n"
    "  la t0, tl_trap\n"
    "  csrw mtvec, t0\n"
    "  la t0, tl_guard_page\n"
    "  csrw pmpaddr0, t0\n"
    "  li t0, 0x98\n"
    "  csrw pmpcfg0, t0\n"
    "  call tl_boot\n"
    ".option pop\n"
    ".text\n");
