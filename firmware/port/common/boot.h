/* boot.h: from the reset handler to main(), the same on every core. */
#ifndef TL_BOOT_H
#define TL_BOOT_H

/* Copy initialised data to RAM, clear the rest, run main(); restarts where main() returns.
 * Needs a stack and nothing else. */
void tl_boot(void);

#endif
