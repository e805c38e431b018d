/* board.c: serial line (polled) and counter of the micro:bit V1. */
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "count.h"
#include "tl_port.h"

#define REGISTER(base, offset) (*(volatile uint32_t *)((base) + (offset)))

#define CLOCK(offset) REGISTER(0x40000000u, offset)
enum { CLOCK_START = 0x000, CLOCK_STARTED = 0x100 };

#define UART(offset) REGISTER(0x40002000u, offset)
enum {
  UART_START_RX = 0x000,
  UART_START_TX = 0x008,
  UART_RX_READY = 0x108,
  UART_TX_READY = 0x11c,
  UART_ENABLE = 0x500,
  UART_PIN_TX = 0x50c,
  UART_RX = 0x518,
  UART_PIN_RX = 0x514,
  UART_TX = 0x51c,
  UART_BAUD = 0x524
};
enum { PIN_TX = 24, PIN_RX = 25, ENABLED = 4 };
#define BAUD_115200 0x01d7e000u

#define TIMER(offset) REGISTER(0x40008000u, offset)
enum {
  TIMER_START = 0x000,
  TIMER_CAPTURE = 0x040,
  TIMER_WIDTH = 0x508,
  TIMER_PRESCALER = 0x510,
  TIMER_CAPTURED = 0x540
};
enum { WIDTH_32 = 3 };

uint32_t tl_board_ticks(void) {
  TIMER(TIMER_CAPTURE) = 1;
  return TIMER(TIMER_CAPTURED);
}

static void start_timer(void) {
  TIMER(TIMER_WIDTH) = WIDTH_32;
  TIMER(TIMER_PRESCALER) = 0;
  TIMER(TIMER_START) = 1;
}

static void start_uart(void) {
  UART(UART_PIN_TX) = PIN_TX;
  UART(UART_PIN_RX) = PIN_RX;
  UART(UART_BAUD) = BAUD_115200;
  UART(UART_ENABLE) = ENABLED;
  UART(UART_START_RX) = 1;
  UART(UART_START_TX) = 1;
}

void tl_port_init(void) {
  CLOCK(CLOCK_START) = 1; /* the crystal: the serial line needs its precision */
  while (!CLOCK(CLOCK_STARTED)) continue;
  start_uart();
  start_timer();
  tl_count_init();
}

int tl_port_read(void) {
  if (!UART(UART_RX_READY)) return -1;
  UART(UART_RX_READY) = 0;
  return (int)(UART(UART_RX) & 0xffu);
}

void tl_port_write(const uint8_t *bytes, size_t n) {
  size_t i;
  for (i = 0; i < n; i++) {
    UART(UART_TX) = bytes[i];
    while (!UART(UART_TX_READY)) continue;
    UART(UART_TX_READY) = 0;
  }
}
