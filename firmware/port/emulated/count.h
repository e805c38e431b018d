/* count.h: instructions executed, from a timer that runs on the emulator's virtual time. */
#ifndef TL_COUNT_H
#define TL_COUNT_H

/* Start counting; tl_board_ticks() must be running. */
void tl_count_init(void);

#endif
