/* avr_count.c: tl_port_count() from timer 1 at the core's clock. Every 65,536 cycles an interrupt
 * takes TL_OVERFLOW_CYCLES of its own, which are taken out of the count again. */
#include "avr_count.h"

#include <avr/interrupt.h>
#include <avr/io.h>

#include "tl_port.h"

static volatile uint16_t overflows;

ISR(TIMER1_OVF_vect) { overflows++; }

void tl_count_init(void) {
  TCCR1A = 0;
  TCCR1B = 1 << CS10;
  TIMSK1 = 1 << TOIE1;
  sei();
}

uint32_t tl_port_count(void) {
  uint16_t low, high;
  cli();
  low = TCNT1;
  high = overflows;
  if (TIFR1 & 1 << TOV1 && low < 0x8000u) high++; /* overflowed since cli() */
  sei();
  return (uint32_t)high << 16 | low;
}
