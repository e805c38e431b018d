/* boot.c: memory as C expects it, then main(). */
#include "boot.h"

#include <stdint.h>
#include <string.h>

#include "tl_port.h"

/* From the linker script, sections.ld. */
extern uint8_t tl_data_load[], tl_data_start[], tl_data_end[];
extern uint8_t tl_bss_start[], tl_bss_end[];

extern int main(void);

void tl_boot(void) {
  memcpy(tl_data_start, tl_data_load, (size_t)(tl_data_end - tl_data_start));
  memset(tl_bss_start, 0, (size_t)(tl_bss_end - tl_bss_start));
  (void)main();
  tl_port_reset();
}
