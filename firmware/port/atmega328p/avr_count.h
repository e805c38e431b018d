/* avr_count.h: clock cycles, from timer 1 and its overflows. */
#ifndef TL_AVR_COUNT_H
#define TL_AVR_COUNT_H

/* Start counting; allows interrupts. */
void tl_count_init(void);

#endif
