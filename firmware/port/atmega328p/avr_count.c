/* avr_count.c: tl_port_count() in clock cycles, from timer 1. Each call starts the timer anew,
 * so that the same work counts the same; what the timer's interrupts and the calls themselves
 * take is left out. */
#include "avr_count.h"

#include <avr/interrupt.h>
#include <avr/io.h>

#include "tl_port.h"

#define OVERFLOW_CYCLES 43 /* of one interrupt, from its vector to its return */

static volatile uint16_t overflows;
static uint32_t total, own;

ISR(TIMER1_OVF_vect) { overflows++; }

__attribute__((noinline)) uint32_t tl_port_count(void) {
  uint16_t low, high;
  cli();
  low = TCNT1;
  TCNT1 = 0;
  high = overflows;
  overflows = 0;
  if (TIFR1 & 1 << TOV1) {
    TIFR1 = 1 << TOV1;
    high++;
  }
  sei();
  total += ((uint32_t)high << 16) + low - (uint32_t)high * OVERFLOW_CYCLES - own;
  return total;
}

void tl_count_init(void) {
  uint32_t first;
  TCCR1A = 0;
  TCCR1B = 1 << CS10;
  TIMSK1 = 1 << TOIE1;
  sei();
  (void)tl_port_count();
  first = tl_port_count();
  own = tl_port_count() - first;
}
