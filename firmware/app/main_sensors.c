/* main_sensors.c: the device program of a project whose sensors give the model its input. Until
 * a host speaks the device lives by its sensors; from then on it serves the host alone, as
 * main.c does, as both would write to the same input. */
#include "sensors.h"
#include "tl_port.h"

static void write_line(void *context, const uint8_t *bytes, size_t n) {
  (void)context;
  tl_port_write(bytes, n);
}

int main(void) {
  static const tl_session_port_t port = {write_line,         tl_port_count, tl_port_stack_mark,
                                         tl_port_stack_used, tl_port_reset, NULL};
  static tl_session_t session;
  int hosted = 0;
  tl_port_init();
  tl_session_init(&session, &tl_device, &port, tl_port_flash());
  for (;;) {
    const int byte = tl_port_read();
    if (byte >= 0) {
      hosted = 1;
      tl_session_receive(&session, (uint8_t)byte);
    } else if (!hosted) {
      sensors_run(&session);
    }
  }
}
