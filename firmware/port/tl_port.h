/* tl_port.h: what a platform gives the device program. One folder a platform implements it. */
#ifndef TL_PORT_H
#define TL_PORT_H

#include <stddef.h>
#include <stdint.h>

#include "tl_flash.h"

/* Set up clock, serial line and counter. Called once, first. */
void tl_port_init(void);

/* Next byte received (0..255), or -1 when none is waiting. May sleep for up to a millisecond.
 */
int tl_port_read(void);

/* Send n bytes; returns when the last is handed to the line. */
void tl_port_write(const uint8_t *bytes, size_t n);

/* Free-running counter for costs: instructions on emulators, cycles on boards; wraps. */
uint32_t tl_port_count(void);

/* Stack high-water mark. mark() paints the free stack below the caller; used() returns the
 * bytes that were written below that point since. 0 where the platform cannot tell. */
void tl_port_stack_mark(void);
uint32_t tl_port_stack_used(void);

/* Memory for the weight store; bytes = 0 where the platform has none. */
const tl_flash_t *tl_port_flash(void);

/* Restart the program as after power-on. */
void tl_port_reset(void);

#endif
