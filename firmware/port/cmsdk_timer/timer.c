/* timer.c: instructions from the CMSDK's APB timer (Arm DDI 0479), a 32-bit down-counter. */
#include <stdint.h>

#include "board.h"
#include "count.h"

typedef struct {
  volatile uint32_t control, value, reload, interrupt;
} timer_t;

#define TIMER ((timer_t *)TL_TIMER_BASE)

uint32_t tl_board_ticks(void) { return ~TIMER->value; }

void tl_board_init(void) {
  TIMER->reload = 0xffffffffu;
  TIMER->value = 0xffffffffu;
  TIMER->control = 1;
  tl_count_init();
}
