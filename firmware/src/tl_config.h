/* tl_config.h: every compile-time option of the tinylearn firmware, with its default.
 * Override one on the compiler's command line (-DTL_FRAME_BYTES=512). */
#ifndef TL_CONFIG_H
#define TL_CONFIG_H

/* Version of the interface between generated code and this library. The generator
 * prints the version it was written for; a mismatch stops the build. */
#define TL_API_VERSION 1

/* Largest decoded protocol frame, in bytes (header, payload and CRC). The host learns it
 * from the INFO reply and sizes every chunk to it. */
#ifndef TL_FRAME_BYTES
#define TL_FRAME_BYTES 256
#endif

/* Take part in federated learning (tl_fleet.h): the session passes the fleet's messages to it.
 * Off by default, and then costs nothing. */
#ifndef TL_FLEET
#define TL_FLEET 0
#endif

/* Bytes that one program() call of the store's flash writes, a power of two: the flash's write
 * unit or a multiple of it. The store buffers this many bytes and writes at multiples. */
#ifndef TL_FLASH_UNIT
#define TL_FLASH_UNIT 4
#endif

/* Use fused multiply-add for every product that is summed. One rounding instead of two, and
 * one instruction where the core has it. On by default exactly where the hardware has a
 * single-precision FMA, so that no core calls a software fmaf(); a host twin of such a core
 * is built with TL_USE_FMA=1 so that it rounds as the board does. */
#ifndef TL_USE_FMA
#if defined(__ARM_FEATURE_FMA) && defined(__ARM_FP) && (__ARM_FP & 4)
#define TL_USE_FMA 1
#else
#define TL_USE_FMA 0
#endif
#endif

/* Use the kernels' inline-assembly inner loops for cores with 32 single-precision
 * registers (Cortex-M4F, M7, M33, M55). They give the same bits as the portable C. */
#ifndef TL_USE_VFP
#if TL_USE_FMA && defined(__GNUC__) && defined(__thumb2__) && defined(__ARM_PCS_VFP)
#define TL_USE_VFP 1
#else
#define TL_USE_VFP 0
#endif
#endif

/* Weights that kernels read from flash. On an AVR that is another address space than RAM. */
#if defined(__AVR__)
#include <avr/pgmspace.h>
#define TL_FLASH __flash
#define TL_COPY_FLASH(to, from, n) memcpy_P(to, (const void *)(from), n)
#else
#define TL_FLASH
#define TL_COPY_FLASH(to, from, n) memcpy(to, from, n)
#endif

/* Constant bytes that kernels read a word at a time. */
#if defined(__GNUC__)
#define TL_ALIGNED __attribute__((aligned(4)))
#else
#define TL_ALIGNED
#endif

#endif
