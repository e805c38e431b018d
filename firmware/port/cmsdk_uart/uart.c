/* uart.c: the serial line of Arm's FPGA boards: the CMSDK's APB UART, polled.
 * Registers: Cortex-M System Design Kit TRM, Arm DDI 0479.
 * With nothing received the core sleeps for a moment: an idle emulator then leaves the host's
 * processor alone, and only a sleeping core makes QEMU look for the next byte at once. */
#include <stddef.h>
#include <stdint.h>

#include "board.h"
#include "sleep.h"
#include "tl_port.h"

typedef struct {
  volatile uint32_t data, state, control, interrupt, divider;
} uart_t;

#define UART ((uart_t *)TL_UART_BASE)
#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CONTROL_ENABLE (1u | 2u | 8u) /* transmitter, receiver, receiver's interrupt */
#define INTERRUPT_RX 2u

void tl_port_init(void) {
  UART->divider = TL_UART_HZ / TL_BAUD;
  UART->control = CONTROL_ENABLE;
  tl_sleep_init(TL_UART_RX_IRQ);
  tl_board_init();
}

static int received(void) { return (UART->state & STATE_RX_FULL) != 0; }

int tl_port_read(void) {
  if (!received()) {
    UART->interrupt = INTERRUPT_RX;
    tl_sleep_rearm(TL_UART_RX_IRQ);
    if (!received()) tl_sleep(TL_CLOCK_HZ);
    if (!received()) return -1;
  }
  return (int)(UART->data & 0xffu);
}

void tl_port_write(const uint8_t *bytes, size_t n) {
  size_t i;
  for (i = 0; i < n; i++) {
    while (UART->state & STATE_TX_FULL) continue;
    UART->data = bytes[i];
  }
}
