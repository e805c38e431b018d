/* board.c: the `virt` machine's 16550 serial line (polled), its instruction counter and its
 * reset. No flow control and no real baud rate: bytes wait in the emulator. */
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "count.h"
#include "tl_port.h"

#define UART ((volatile uint8_t *)TL_UART_BASE)
#define TEST (*(volatile uint32_t *)TL_TEST_BASE)

enum { DATA = 0, FIFO_CONTROL = 2, LINE_STATUS = 5 };
enum { LINE_RECEIVED = 1, LINE_ROOM = 32 };
enum { TEST_RESET = 0x7777 };

uint32_t tl_board_ticks(void) {
  uint32_t n;
  __asm__ volatile(".option push\n\t.option arch, +zicsr\n\tcsrr %0, minstret\n\t.option pop"
                   : "=r"(n));
  return n;
}

void tl_port_init(void) {
  UART[FIFO_CONTROL] = 1;
  tl_count_init();
}

int tl_port_read(void) {
  if (!(UART[LINE_STATUS] & LINE_RECEIVED)) return -1;
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
