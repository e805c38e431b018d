/* main.c: the device program: serves the generated model (tl_device) over the port's line. */
#include "tl_port.h"
#include "tl_session.h"

static void write_line(void *context, const uint8_t *bytes, size_t n) {
  (void)context;
  tl_port_write(bytes, n);
}

int main(void) {
  static const tl_session_port_t port = {write_line,         tl_port_count, tl_port_stack_mark,
                                         tl_port_stack_used, tl_port_reset, NULL};
  static tl_session_t session;
  tl_port_init();
  tl_session_init(&session, &tl_device, &port, tl_port_flash());
#if TL_FLEET
  tl_session_announce(&session);
#endif
  for (;;) {
    const int byte = tl_port_read();
    if (byte >= 0) tl_session_receive(&session, (uint8_t)byte);
  }
}
