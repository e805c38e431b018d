/* board.c: the `virt` machine's 16550 serial line (polled), its instruction counter and its
 * reset. No flow control and no real baud rate: bytes wait in the emulator. With nothing
 * received the hart sleeps for a moment, so that an idle emulator leaves the host's processor
 * alone; interrupts end the sleep and are never taken. */
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "count.h"
#include "tl_port.h"

#define UART ((volatile uint8_t *)TL_UART_BASE)
#define TEST (*(volatile uint32_t *)TL_TEST_BASE)

enum { DATA = 0, INTERRUPT = 1, FIFO_CONTROL = 2, LINE_STATUS = 5 };
enum { INTERRUPT_RECEIVED = 1, LINE_RECEIVED = 1, LINE_ROOM = 32 };

/* Timer (ACLINT): 10 MHz. */
#define MTIMECMP ((volatile uint32_t *)0x02004000u)
#define MTIME ((volatile uint32_t *)0x0200bff8u)
#define TICKS_PER_MS 10000u

/* Interrupt controller (PLIC), machine mode of hart 0. */
#define PLIC_PRIORITY ((volatile uint32_t *)0x0c000000u)
#define PLIC_ENABLE (*(volatile uint32_t *)0x0c002000u)
#define PLIC_THRESHOLD (*(volatile uint32_t *)0x0c200000u)
enum { UART_IRQ = 10 };

/* Timer and external interrupt in mie; mstatus.MIE stays 0, so they only end a wfi. */
#define WAKING ((1u << 7) | (1u << 11))
enum { TEST_RESET = 0x7777 };

#define WITH_CSR(code) ".option push\n\t.option arch, +zicsr\n\t" code "\n\t.option pop"

uint32_t tl_board_ticks(void) {
  uint32_t n;
  __asm__ volatile(WITH_CSR("csrr %0, minstret") : "=r"(n));
  return n;
}

static void never_alarm(void) {
  MTIMECMP[1] = 0xffffffffu;
  MTIMECMP[0] = 0xffffffffu;
}

void tl_port_init(void) {
  UART[FIFO_CONTROL] = 1;
  UART[INTERRUPT] = INTERRUPT_RECEIVED;
  PLIC_PRIORITY[UART_IRQ] = 1;
  PLIC_ENABLE = 1u << UART_IRQ;
  PLIC_THRESHOLD = 0;
  never_alarm();
  __asm__ volatile(WITH_CSR("csrs mie, %0")::"r"(WAKING));
  tl_count_init();
}

/* Where the low half of the time is about to wrap, the sleep ends at once. */
static void wait_for_byte(void) {
  const uint32_t high = MTIME[1];
  MTIMECMP[0] = MTIME[0] + TICKS_PER_MS;
  MTIMECMP[1] = high;
  __asm__ volatile("wfi" ::: "memory");
  never_alarm();
}

static int received(void) { return (UART[LINE_STATUS] & LINE_RECEIVED) != 0; }

int tl_port_read(void) {
  if (!received()) wait_for_byte();
  if (!received()) return -1;
  return UART[DATA];
}

void tl_port_write(const uint8_t *bytes, size_t n) {
  size_t i;
  for (i = 0; i < n; i++) {
    while (!(UART[LINE_STATUS] & LINE_ROOM)) continue;
    UART[DATA] = bytes[i];
  }
}

void tl_port_reset(void) {
  TEST = TEST_RESET;
  for (;;) continue;
}
