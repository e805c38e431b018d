/* counter.c: instructions from Corstone-300's system counter, 64 bits counting up; registers:
 * Arm SSE-123 Example Subsystem TRM, Arm 101370. */
#include <stdint.h>

#include "board.h"
#include "count.h"

#define CNTCR (*(volatile uint32_t *)0x58100000u)
#define CNTCV_LOW (*(volatile uint32_t *)0x58100008u)

uint32_t tl_board_ticks(void) { return CNTCV_LOW; }

void tl_board_init(void) {
  CNTCR = 1;
  tl_count_init();
}
