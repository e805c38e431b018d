// tl_port_arduino.cpp: tl_port.h for Arduino sketches: Serial, the core's cycle counter where
// it has one, and no weight store (what a board has for that differs too much; tl_flash.h is
// what a sketch implements to have one). The stack's use is unknown here: it is the board's
// system that owns the stack.
#include <Arduino.h>

extern "C" {
#include "tl_port.h"
}

namespace {

const unsigned long kBaud = 115200;

#if defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_8M_MAIN__)
#define TL_HAS_DWT 1
volatile uint32_t &demcr = *reinterpret_cast<volatile uint32_t *>(0xe000edfcu);
volatile uint32_t &dwt_control = *reinterpret_cast<volatile uint32_t *>(0xe0001000u);
volatile uint32_t &dwt_cycles = *reinterpret_cast<volatile uint32_t *>(0xe0001004u);
#endif

void start_counter() {
#if defined(TL_HAS_DWT)
  demcr |= 1u << 24;  // TRCENA
  dwt_control |= 1u;  // CYCCNTENA
#endif
}

}  // namespace

extern "C" void tl_port_init(void) {
  Serial.begin(kBaud);
  start_counter();
}

extern "C" int tl_port_read(void) { return Serial.available() > 0 ? Serial.read() : -1; }

// Serial.write() may take fewer bytes than offered while the computer is not reading.
extern "C" void tl_port_write(const uint8_t *bytes, size_t n) {
  while (n > 0) {
    const size_t sent = Serial.write(bytes, n);
    bytes += sent;
    n -= sent;
    if (n > 0) yield();
  }
}

// Cycles; on cores without a cycle counter microseconds, scaled to cycles where the clock is
// known when compiling.
extern "C" uint32_t tl_port_count(void) {
#if defined(TL_HAS_DWT)
  return dwt_cycles;
#elif defined(ESP_PLATFORM)
  return ESP.getCycleCount();
#elif defined(F_CPU)
  return static_cast<uint32_t>(micros()) * static_cast<uint32_t>(F_CPU / 1000000u);
#else
  return static_cast<uint32_t>(micros());
#endif
}

extern "C" void tl_port_stack_mark(void) {}

extern "C" uint32_t tl_port_stack_used(void) { return 0; }

extern "C" const tl_flash_t *tl_port_flash(void) {
  static const tl_flash_t none = {0, nullptr, nullptr, nullptr, nullptr};
  return &none;
}

extern "C" void tl_port_reset(void) {
  Serial.flush();
#if defined(ESP_PLATFORM)
  ESP.restart();
#elif defined(__arm__)
  *reinterpret_cast<volatile uint32_t *>(0xe000ed0cu) = 0x05fa0004u;  // AIRCR, SYSRESETREQ
  for (;;) {
  }
#else
#error "tl_port_reset: how this core restarts is not known here; add it"
#endif
}
