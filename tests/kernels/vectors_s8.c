/* vectors_s8.c: single-operator int8 models on fixed inputs. Prints one line a model: its name
 * and a hash of every byte it gave. models.h is written by vectors_s8.py. */
#include "vectors_s8.h"

typedef struct {
  const char *name;
  void (*run)(void *m, const void *x, void *y);
  uint32_t inputs, y_bytes, state_bytes;
  int is_float;
} case_t;

#include "models.h"

#define INPUTS 8
#define GUARD 0xa5
#if defined(__SANITIZE_ADDRESS__)
#define GUARDS 0
#else
#define GUARDS 8
#endif

static uint32_t seed, hash;
static int broken;

/* Input number k as bytes: both ends, both in turn, or pseudo-random. */
static uint8_t input_byte(int k, uint32_t i) {
  if (k == 0) return 128;
  if (k == 1) return 127;
  if (k == 2) return (uint8_t)(128 - (i & 1));
  seed = seed * 1664525u + 1013904223u;
  return (uint8_t)(seed >> 24);
}

static void fill(const case_t *c, int k, void *x) {
  uint32_t i;
  for (i = 0; i < c->inputs; i++) {
    const uint8_t byte = input_byte(k, i);
    if (c->is_float)
      ((float *)x)[i] = (float)(int8_t)byte * 0.0625f;
    else
      ((uint8_t *)x)[i] = byte;
  }
}

/* n bytes, `offset` behind a word boundary, with guards behind them. */
static uint8_t *guarded(int which, uint32_t offset, uint32_t n) {
  uint8_t *p = room(which, offset + n + GUARDS) + offset;
  memset(p, GUARD, n + GUARDS);
  return p;
}

static void check(const uint8_t *behind) {
  int i;
  for (i = 0; i < GUARDS; i++)
    if (behind[i] != GUARD) broken = 1;
}

/* Caller's arrays need no alignment beyond that of their elements. */
static void run(const case_t *c, int k) {
  const uint32_t x_bytes = c->inputs * (c->is_float ? 4 : 1);
  const uint32_t x_at = c->is_float ? 0 : (uint32_t)k & 3, y_at = c->y_bytes % 4 ? x_at : 0;
  uint8_t *m = guarded(0, 0, c->state_bytes), *x = guarded(1, x_at, x_bytes),
          *y = guarded(2, y_at, c->y_bytes);
  uint32_t i;
  fill(c, k, x);
  c->run(m, x, y);
  for (i = 0; i < c->y_bytes; i++) hash = (hash ^ y[i]) * 16777619u;
  check(m + c->state_bytes), check(x + x_bytes), check(y + c->y_bytes);
}

static void say_hash(void) {
  char text[10] = "        \n";
  int i;
  for (i = 0; i < 8; i++) text[i] = "0123456789abcdef"[(hash >> (28 - 4 * i)) & 15u];
  put(text);
}

int main(void) {
  size_t c;
  int k;
  start();
  for (c = 0; c < sizeof cases / sizeof cases[0]; c++) {
    seed = 1, hash = 2166136261u, broken = 0;
    for (k = 0; k < INPUTS; k++) run(&cases[c], k);
    put(cases[c].name);
    put(broken ? " GUARD OVERWRITTEN " : " ");
    say_hash();
  }
  put("end\n");
  return 0;
}
