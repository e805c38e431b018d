/* vectors.h: data, hashes and output for vectors.c. Every array has its exact length: under
 * AddressSanitizer it is a heap block of its own, elsewhere guard words follow it. */
#ifndef TL_TEST_VECTORS_H
#define TL_TEST_VECTORS_H

#include <stddef.h>
#include <stdint.h>

void put(const char *text);     /* to the console */
float *allocate(size_t floats); /* from the heap, or from the arena below */
int finish(void);               /* flush, and end the program; returns the exit code */

#define GUARD 0x7fa5a5a5u

static uint32_t seed, hash;
static struct {
  float *at;
  int n;
} taken[8];
static int takes;

static float noise(void) {
  seed = seed * 1664525u + 1013904223u;
  return (float)(int32_t)seed * (1.0f / 1073741824.0f); /* -2 .. 2 */
}

static uint32_t bits_of(float x) {
  union {
    float f;
    uint32_t u;
  } v;
  v.f = x;
  return v.u;
}

static __attribute__((noinline)) float *take(int n) {
  float *p = allocate((size_t)n);
  int i;
  for (i = 0; i < n; i++) p[i] = noise();
  taken[takes].at = p;
  taken[takes++].n = n;
  return p;
}

/* Half of the deltas 0 or -0, as after ReLU. */
static __attribute__((noinline)) void some_zeros(float *d, int n) {
  int i;
  for (i = 0; i < n; i++)
    if (noise() < 0.0f) d[i] = i % 3 == 0 ? -0.0f : 0.0f;
}

/* NaN is one value here: its sign and payload differ between processors. */
static __attribute__((noinline)) void add_hash(const float *p, int n) {
  int i;
  for (i = 0; i < n; i++) {
    uint32_t u = p[i] != p[i] ? 0x7fc00000u : bits_of(p[i]);
    hash = (hash ^ u) * 16777619u;
    hash ^= hash >> 15;
  }
}

static __attribute__((noinline)) void begin(const char *name) {
  put(name);
  put(": ");
  hash = 2166136261u;
}

static __attribute__((noinline)) void end(void) {
  char text[10];
  int i;
  for (i = 0; i < takes; i++) {
#if !defined(__SANITIZE_ADDRESS__)
    if (bits_of(taken[i].at[taken[i].n]) != GUARD) put("GUARD OVERWRITTEN ");
#endif
  }
  takes = 0;
  for (i = 0; i < 8; i++) text[i] = "0123456789abcdef"[(hash >> (28 - 4 * i)) & 15u];
  text[8] = '\n';
  text[9] = 0;
  put(text);
}

#endif
