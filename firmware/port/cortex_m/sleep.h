/* sleep.h: wait for an interrupt line, for a millisecond at the most. The interrupt is only
 * looked at, never taken. */
#ifndef TL_SLEEP_H
#define TL_SLEEP_H

#include <stdint.h>

/* Let this interrupt line end a sleep. */
void tl_sleep_init(uint32_t irq);

/* Forget that the line was raised; what comes after this ends the next sleep. */
void tl_sleep_rearm(uint32_t irq);

/* Sleep until the line is raised or 1 ms is over; clock_hz: of the core. */
void tl_sleep(uint32_t clock_hz);

#endif
