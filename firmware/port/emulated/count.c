/* count.c: tl_port_count() for emulated boards.
 * Under `-icount shift=N` every instruction takes 2^N ns of virtual time, so a timer's ticks
 * give instructions: ticks * TL_TICK_FACTOR / 2^TL_TICK_SHIFT. A tick is shorter than half an
 * instruction, so rounding the ticks since the last call to whole instructions is exact. The
 * calls take their own instructions out of the count again. */
#include "count.h"

#include <stdint.h>

#include "board.h"
#include "tl_port.h"

#define TL_TICK_HALF ((1u << TL_TICK_SHIFT) / 2u)

static uint32_t count; /* instructions since the start, without those of the calls */
static uint32_t last;  /* the timer at the last call */
static uint32_t own;   /* instructions from one call to the next with nothing between */

/* No branch in here, and no copy inlined below: every call must take the same number of
 * instructions. */
__attribute__((noinline)) uint32_t tl_port_count(void) {
  uint32_t now = tl_board_ticks();
  uint64_t ticks = (uint32_t)(now - last);
  last = now;
  count += (uint32_t)((ticks * TL_TICK_FACTOR + TL_TICK_HALF) >> TL_TICK_SHIFT) - own;
  return count;
}

void tl_count_init(void) {
  uint32_t first;
  last = tl_board_ticks();
  first = tl_port_count();
  own = tl_port_count() - first;
}
