/* vectors_i8.c: kernels of learning in integers on fixed pseudo-random blocks of every length
 * from 1 to 35. Prints one line a case: its name and a hash of every word it wrote. */
#include "kernels_i8.h"
#include "vectors_s8.h"

#define MOST 35

static uint32_t seed, hash;
static int8_t x[MOST], w[MOST * MOST], q[MOST];
static int16_t z[MOST], dz[MOST], b[MOST], dx[MOST];
static float real[MOST];

static int32_t noise(int bits) {
  seed = seed * 1664525u + 1013904223u;
  return (int32_t)seed >> (32 - bits);
}

static void fill(int n) {
  int i;
  for (i = 0; i < MOST * MOST; i++) w[i] = (int8_t)noise(8);
  for (i = 0; i < MOST; i++) {
    x[i] = (int8_t)(noise(2) ? noise(8) : 0);
    z[i] = (int16_t)noise(6 + n % 11);
    dz[i] = (int16_t)(noise(2) ? noise(12) : 0);
    b[i] = (int16_t)noise(16);
    real[i] = (float)noise(16) * (i % 5 ? 1.0f / 4096.0f : 1.0e-30f);
  }
}

static void add_words(const int32_t *p, int n) {
  int i;
  for (i = 0; i < n; i++) {
    hash = (hash ^ (uint32_t)p[i]) * 16777619u;
    hash ^= hash >> 15;
  }
}

static void add_halves(const int16_t *p, int n) {
  int i;
  for (i = 0; i < n; i++) hash = (hash ^ (uint16_t)p[i]) * 16777619u;
}

static void add_bytes(const int8_t *p, int n) {
  int i;
  for (i = 0; i < n; i++) hash = (hash ^ (uint8_t)p[i]) * 16777619u;
}

static void add_floats(const float *p, int n) {
  int32_t word;
  int i;
  for (i = 0; i < n; i++) {
    memcpy(&word, p + i, sizeof word);
    add_words(&word, 1);
  }
}

static void say(const char *name, int n) {
  char text[14] = " 00         \n";
  int i;
  text[1] = (char)('0' + n / 10), text[2] = (char)('0' + n % 10);
  for (i = 0; i < 8; i++) text[4 + i] = "0123456789abcdef"[(hash >> (28 - 4 * i)) & 15u];
  put(name), put(text);
  hash = 2166136261u;
}

static void layer(int n) {
  const int8_t x_exp = -6, w_exp = -7, dz_exp = -14;
  const int n_out = n % 7 + 1;
  int8_t exponent, grown = w_exp, b_exp = -16;
  int32_t random = 77;
  k_dense_i8(z, &exponent, x, &x_exp, w, &w_exp, b, &b_exp, n, n_out, n % 3 ? 0 : 5);
  add_halves(z, n_out), add_bytes(&exponent, 1);
  k_dense_gradient_i8(dx, &exponent, x, dz, &dz_exp, w, &w_exp, n, n_out,
                      n % 2 ? TL_RELU : TL_TANH);
  add_halves(dx, n), add_bytes(&exponent, 1);
  k_dense_update_i8(x, &x_exp, dz, &dz_exp, w, &grown, b, &b_exp, &random, -0.125f, 0.5f, n,
                    n_out, 0);
  add_bytes(w, n * n_out), add_halves(b, n_out), add_bytes(&grown, 1), add_bytes(&b_exp, 1),
      add_words(&random, 1);
  say("layer", n);
}

static void ends(int n) {
  const int8_t z_exp = -6;
  int8_t exponent;
  int act;
  k_input_i8(q, &exponent, real, n), add_bytes(q, n), add_bytes(&exponent, 1);
  for (act = TL_LINEAR; act <= TL_TANH; act++) {
    k_activation_i8(q, &exponent, z, &z_exp, n, act);
    add_bytes(q, n), add_bytes(&exponent, 1);
  }
  k_softmax_i8(real, z, &z_exp, n), add_floats(real, n);
  k_sigmoid_i8(real, z, &z_exp, n), add_floats(real, n);
  k_real_i8(real, z, &z_exp, n), add_floats(real, n);
  say("ends", n);
}

typedef float (*loss_t)(int16_t *, int8_t *, const int16_t *, const int8_t *, const float *,
                        int);
typedef float (*label_loss_t)(int16_t *, int8_t *, const int16_t *, const int8_t *, unsigned,
                              int);

static void loss(int n) {
  static const loss_t losses[] = {k_mse_i8, k_softmax_cross_entropy_i8,
                                  k_sigmoid_cross_entropy_i8};
  static const label_loss_t label_losses[] = {k_mse_label_i8, k_softmax_cross_entropy_label_i8,
                                              k_sigmoid_cross_entropy_label_i8};
  const int8_t z_exp = -6;
  int8_t exponent;
  float value;
  int i;
  for (i = 0; i < 3; i++) {
    value = losses[i](dz, &exponent, z, &z_exp, real, n);
    add_halves(dz, n), add_bytes(&exponent, 1), add_floats(&value, 1);
    value = label_losses[i](dz, &exponent, z, &z_exp, (unsigned)n / 2, n);
    add_halves(dz, n), add_bytes(&exponent, 1), add_floats(&value, 1);
  }
  say("loss", n);
}

int main(void) {
  int n;
  start();
  seed = 3, hash = 2166136261u;
  for (n = 1; n <= MOST; n++) fill(n), layer(n), fill(n), ends(n), fill(n), loss(n);
  put("end\n");
  return 0;
}
