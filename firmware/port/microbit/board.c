/* board.c: serial line (polled) and counter of the micro:bit V1. With nothing received the
 * core sleeps for a moment, so that an idle emulator leaves the host's processor alone. */
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "count.h"
#include "sleep.h"
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
  UART_INTERRUPT = 0x304,
  UART_ENABLE = 0x500,
  UART_PIN_TX = 0x50c,
  UART_RX = 0x518,
  UART_PIN_RX = 0x514,
  UART_TX = 0x51c,
  UART_BAUD = 0x524
};
enum { PIN_TX = 24, PIN_RX = 25, ENABLED = 4, INTERRUPT_RX = 4, UART_IRQ = 2 };
#define BAUD_115200 0x01d7e000u

#define TIMER(offset) REGISTER(0x40008000u, offset) /* counts */
#define ALARM(offset) REGISTER(0x40009000u, offset) /* ends a sleep */
enum {
  TIMER_START = 0x000,
  TIMER_STOP = 0x004,
  TIMER_CLEAR = 0x00c,
  TIMER_CAPTURE = 0x040,
  TIMER_REACHED = 0x140,
  TIMER_INTERRUPT = 0x304,
  TIMER_WIDTH = 0x508,
  TIMER_PRESCALER = 0x510,
  TIMER_COMPARE = 0x540
};
enum { WIDTH_32 = 3, MICROSECONDS = 4, INTERRUPT_REACHED = 1 << 16, ALARM_IRQ = 9 };

uint32_t tl_board_ticks(void) {
  TIMER(TIMER_CAPTURE) = 1;
  return TIMER(TIMER_COMPARE);
}

static void start_timer(void) {
  TIMER(TIMER_WIDTH) = WIDTH_32;
  TIMER(TIMER_PRESCALER) = 0;
  TIMER(TIMER_START) = 1;
}

static void prepare_alarm(void) {
  ALARM(TIMER_PRESCALER) = MICROSECONDS;
  ALARM(TIMER_COMPARE) = 1000;
  ALARM(TIMER_INTERRUPT) = INTERRUPT_REACHED;
  tl_sleep_init(ALARM_IRQ);
}

static void start_uart(void) {
  UART(UART_PIN_TX) = PIN_TX;
  UART(UART_PIN_RX) = PIN_RX;
  UART(UART_BAUD) = BAUD_115200;
  UART(UART_ENABLE) = ENABLED;
  UART(UART_INTERRUPT) = INTERRUPT_RX;
  UART(UART_START_RX) = 1;
  UART(UART_START_TX) = 1;
  tl_sleep_init(UART_IRQ);
}

void tl_port_init(void) {
  CLOCK(CLOCK_START) = 1; /* the crystal: the serial line needs its precision */
  while (!CLOCK(CLOCK_STARTED)) continue;
  start_uart();
  prepare_alarm();
  start_timer();
  tl_count_init();
}

/* Until a byte comes, for a millisecond at the most. */
static void wait_for_byte(void) {
  ALARM(TIMER_REACHED) = 0;
  ALARM(TIMER_CLEAR) = 1;
  tl_sleep_rearm(ALARM_IRQ);
  tl_sleep_rearm(UART_IRQ);
  ALARM(TIMER_START) = 1;
  if (!UART(UART_RX_READY)) __asm__ volatile("dsb\n\twfi" ::: "memory");
  ALARM(TIMER_STOP) = 1;
}

int tl_port_read(void) {
  if (!UART(UART_RX_READY)) wait_for_byte();
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
