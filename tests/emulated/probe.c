/* probe.c: a program for test_ports.py that shows whether a port keeps its promises.
 * It says "boot" and the state of its memory, then answers commands of one letter. */
#include <string.h>

#include "tl_port.h"

#define TEN(x) x x x x x x x x x x
#define NOP "nop\n\t"

static volatile uint32_t initialised = 0x600dda7au;
static volatile uint32_t zeroed;
static volatile float half = 0.5f;

static void send(const void *bytes, size_t n) { tl_port_write(bytes, n); }

static void send_u32(uint32_t value) { send(&value, 4); }

static uint8_t next(void) {
  int byte;
  do byte = tl_port_read();
  while (byte < 0);
  return (uint8_t)byte;
}

static void say_boot(void) {
  send("boot", 4);
  send_u32(initialised);
  send_u32(zeroed);
  initialised = zeroed = 1;
}

static void echo(void) {
  uint8_t n = next(), i, bytes[255];
  for (i = 0; i < n; i++) bytes[i] = next();
  send(bytes, n);
}

/* Straight code of known length, between two calls of the counter. */
static void count(void) {
  uint32_t start, none, hundred, thousand, ten_thousand;
  start = tl_port_count();
  none = tl_port_count();
  __asm__ volatile(TEN(TEN(NOP)));
  hundred = tl_port_count();
  __asm__ volatile(TEN(TEN(TEN(NOP))));
  thousand = tl_port_count();
  __asm__ volatile(TEN(TEN(TEN(TEN(NOP)))));
  ten_thousand = tl_port_count();
  send_u32(none - start);
  send_u32(hundred - none);
  send_u32(thousand - hundred);
  send_u32(ten_thousand - thousand);
}

/* A loop of 2,000,000 instructions, so that the counter's rounding would add up. */
static void count_long(void) {
  uint32_t n, first = tl_port_count(), second;
  for (n = 0; n < 2000; n++) __asm__ volatile(TEN(TEN(TEN(NOP))));
  second = tl_port_count();
  send_u32(second - first);
}

__attribute__((noinline)) static uint32_t fill(uint32_t n) {
  volatile uint8_t bytes[1000];
  uint32_t i;
  for (i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i + n);
  return bytes[n];
}

static void stack(void) {
  tl_port_stack_mark();
  send_u32(tl_port_stack_used());
  (void)fill(3);
  send_u32(tl_port_stack_used());
  tl_port_stack_mark();
  send_u32(tl_port_stack_used());
}

static void compute(void) {
  const float product = half * 3.0f;
  send(&product, 4);
}

static void flash_write(void) {
  const tl_flash_t *flash = tl_port_flash();
  static uint8_t bytes[64];
  uint32_t i;
  for (i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + 1);
  send_u32(flash->bytes);
  send_u32((uint32_t)flash->erase(flash->context, flash->bytes / 2, flash->bytes / 2));
  send_u32((uint32_t)flash->program(flash->context, flash->bytes - 64, bytes, 64));
  memset(bytes, 0xfe, sizeof bytes); /* would have to set bits */
  send_u32((uint32_t)flash->program(flash->context, flash->bytes - 64, bytes, 64));
  send_u32((uint32_t)flash->program(flash->context, flash->bytes - 60, bytes, 64));
  send_u32((uint32_t)flash->read(flash->context, flash->bytes - 60, bytes, 64));
  send_u32((uint32_t)flash->erase(flash->context, flash->bytes / 2, flash->bytes));
}

static void flash_read(void) {
  const tl_flash_t *flash = tl_port_flash();
  uint8_t bytes[128];
  flash->read(flash->context, flash->bytes - 128, bytes, 128);
  send(bytes, 128);
}

__attribute__((noinline)) static uint32_t overflow(uint32_t n) {
  volatile uint32_t here[16];
  if (n == 0xffffffffu) return 0;
  here[n % 16] = n;
  return overflow(n + 1) + here[n % 16];
}

int main(void) {
  tl_port_init();
  say_boot();
  for (;;) {
    switch (next()) {
      case 'e':
        echo();
        break;
      case 'c':
        count();
        break;
      case 'l':
        count_long();
        break;
      case 's':
        stack();
        break;
      case 'f':
        compute();
        break;
      case 'w':
        flash_write();
        break;
      case 'r':
        flash_read();
        break;
      case 'q':
        tl_port_reset();
        break;
      case 'o':
        send_u32(overflow(0));
        break;
      case 'm':
        return 0;
      default:
        send("?", 1);
    }
  }
}
