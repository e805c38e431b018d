/* avr_board.c: ATmega328P: serial line on USART0 (115,200 baud at 16 MHz), restart, no store.
 */
#include <avr/io.h>
#include <avr/wdt.h>

#include "avr_count.h"
#include "tl_port.h"

#define BAUD_DIVISOR 16 /* 16 MHz / 8 / 115,200 - 1 */

/* A restart by the watchdog leaves it running. */
void tl_watchdog_off(void) __attribute__((naked, used, section(".init3")));
void tl_watchdog_off(void) {
  MCUSR = 0;
  wdt_disable();
}

void tl_port_init(void) {
  UCSR0A = 1 << U2X0;
  UBRR0 = BAUD_DIVISOR;
  UCSR0C = 1 << UCSZ01 | 1 << UCSZ00; /* 8 bits, no parity, 1 stop bit */
  UCSR0B = 1 << RXEN0 | 1 << TXEN0;
  tl_count_init();
}

int tl_port_read(void) {
  if (!(UCSR0A & 1 << RXC0)) return -1;
  return UDR0;
}

void tl_port_write(const uint8_t *bytes, size_t n) {
  while (n--) {
    while (!(UCSR0A & 1 << UDRE0)) continue;
    UDR0 = *bytes++;
  }
}

const tl_flash_t *tl_port_flash(void) {
  static const tl_flash_t none = {0};
  return &none;
}

void tl_port_reset(void) {
  wdt_enable(WDTO_15MS);
  for (;;) continue;
}
