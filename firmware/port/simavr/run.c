/* run.c: runs a program for the ATmega328P in simavr; its USART0 is file descriptor 1, a
 * socket. A host program: see tinylearn/device/simavr.py. */
#include <poll.h>
#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE 1
#define CLOCK_HZ 16000000u
#define SLICE 2000       /* instructions between looks at the line */
#define IDLE_SLICES 2000 /* without a byte; then each look waits a millisecond */

static int ready = 1; /* whether the USART takes a byte */
static unsigned idle;

static void on_byte(struct avr_irq_t *irq, uint32_t value, void *param) {
  const uint8_t byte = (uint8_t)value;
  (void)irq;
  (void)param;
  idle = 0;
  if (write(LINE, &byte, 1) != 1) _exit(0);
}

static void on_ready(struct avr_irq_t *irq, uint32_t value, void *param) {
  (void)irq;
  (void)value;
  ready = *(const int *)param;
}

static avr_irq_t *usart(avr_t *avr, int irq) {
  return avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), irq);
}

static void connect_line(avr_t *avr) {
  static const int on = 1, off = 0;
  uint32_t flags = 0;
  avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
  flags &= ~(uint32_t)(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
  avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
  avr_irq_register_notify(usart(avr, UART_IRQ_OUTPUT), on_byte, NULL);
  avr_irq_register_notify(usart(avr, UART_IRQ_OUT_XON), on_ready, (void *)&on);
  avr_irq_register_notify(usart(avr, UART_IRQ_OUT_XOFF), on_ready, (void *)&off);
}

/* Hands the program one byte, if one waits and it takes one. */
static void look(avr_t *avr) {
  struct pollfd line = {LINE, POLLIN, 0};
  uint8_t byte;
  idle++;
  if (!ready || poll(&line, 1, idle > IDLE_SLICES ? 1 : 0) <= 0) return;
  if (read(LINE, &byte, 1) != 1) _exit(0);
  idle = 0;
  avr_raise_irq(usart(avr, UART_IRQ_INPUT), byte);
}

int main(int argc, char **argv) {
  elf_firmware_t firmware;
  avr_t *avr = avr_make_mcu_by_name("atmega328p");
  int i, state = cpu_Running;
  memset(&firmware, 0, sizeof firmware);
  if (argc != 2 || avr == NULL || elf_read_firmware(argv[1], &firmware) != 0) return 1;
  avr_init(avr);
  firmware.frequency = CLOCK_HZ;
  avr_load_firmware(avr, &firmware);
  avr->log = LOG_NONE;
  connect_line(avr);
  while (state != cpu_Done && state != cpu_Crashed) {
    for (i = 0; i < SLICE && state != cpu_Done && state != cpu_Crashed; i++)
      state = avr_run(avr);
    look(avr);
  }
  fprintf(stderr, "simavr: the program stopped at 0x%04x\n", (unsigned)avr->pc);
  return 1;
}
