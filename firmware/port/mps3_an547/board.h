/* board.h: MPS3 with the FPGA image AN547 (Corstone-300, Cortex-M55), as QEMU's mps3-an547 has
 * it, run in secure state with `-icount shift=7`. */
#ifndef TL_BOARD_H
#define TL_BOARD_H

#include <stdint.h>

#define TL_CLOCK_HZ 32000000u
#define TL_UART_HZ 25000000u
#define TL_UART_BASE 0x59303000u
#define TL_UART_RX_IRQ 33u
#define TL_BAUD 115200u

/* The system counter runs at 32 MHz: a tick is 31.25 ns, an instruction 128 ns. */
#define TL_TICK_FACTOR 125u
#define TL_TICK_SHIFT 9

#define TL_STORE_BYTES 0x100000u

void tl_board_init(void);
uint32_t tl_board_ticks(void);

#endif
