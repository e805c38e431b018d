/* board.h: MPS2 with the FPGA images AN385 (Cortex-M3), AN386 (M4) and AN500 (M7), as QEMU's
 * mps2-an385, -an386 and -an500 have them, run with `-icount shift=7`. */
#ifndef TL_BOARD_H
#define TL_BOARD_H

#include <stdint.h>

#define TL_CLOCK_HZ 25000000u
#define TL_UART_HZ TL_CLOCK_HZ
#define TL_UART_BASE 0x40004000u
#define TL_UART_RX_IRQ 0u
#define TL_BAUD 115200u
#define TL_TIMER_BASE 0x40000000u

/* 25 MHz: a tick is 40 ns, an instruction 128 ns. */
#define TL_TICK_FACTOR 5u
#define TL_TICK_SHIFT 4

#define TL_STORE_BYTES 0x200000u

void tl_board_init(void);
uint32_t tl_board_ticks(void);

#endif
