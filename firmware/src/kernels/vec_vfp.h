/* vec_vfp.h: the loops of vec_f32.h for cores with 32 single-precision registers and FMA
 * (Cortex-M4F, M7, M33, M55), in inline assembly: VLDM and VSTM move up to 16 registers in
 * one instruction, which GCC does not form by itself. Same order of every sum, same bits.
 *
 * Registers are named in four banks of eight: A = s0-s7, B = s8-s15, C = s16-s23, D = s24-s31.
 * A body is written once for n = 1..8 registers of a bank and instantiated by TL_FOR_WIDTHS.
 * Unrolling is spelled out with .if rather than .rept, so that the compiler's count of lines
 * is never below the size of the code (it places literal pools and short branches by it). */
#ifndef TL_VEC_VFP_H
#define TL_VEC_VFP_H

/* TL_A_3 is {s0-s2}. */
#define TL_A_1 "{s0}"
#define TL_A_2 "{s0-s1}"
#define TL_A_3 "{s0-s2}"
#define TL_A_4 "{s0-s3}"
#define TL_A_5 "{s0-s4}"
#define TL_A_6 "{s0-s5}"
#define TL_A_7 "{s0-s6}"
#define TL_A_8 "{s0-s7}"
#define TL_B_1 "{s8}"
#define TL_B_2 "{s8-s9}"
#define TL_B_3 "{s8-s10}"
#define TL_B_4 "{s8-s11}"
#define TL_B_5 "{s8-s12}"
#define TL_B_6 "{s8-s13}"
#define TL_B_7 "{s8-s14}"
#define TL_B_8 "{s8-s15}"
#define TL_C_1 "{s16}"
#define TL_C_2 "{s16-s17}"
#define TL_C_3 "{s16-s18}"
#define TL_C_4 "{s16-s19}"
#define TL_C_5 "{s16-s20}"
#define TL_C_6 "{s16-s21}"
#define TL_C_7 "{s16-s22}"
#define TL_C_8 "{s16-s23}"
#define TL_D_1 "{s24}"
#define TL_D_2 "{s24-s25}"
#define TL_D_3 "{s24-s26}"
#define TL_D_4 "{s24-s27}"
#define TL_D_5 "{s24-s28}"
#define TL_D_6 "{s24-s29}"
#define TL_D_7 "{s24-s30}"
#define TL_D_8 "{s24-s31}"
/* TL_EACH_3(f) is f(0, 8, 16, 24) f(1, 9, 17, 25) f(2, 10, 18, 26). */
#define TL_EACH_1(f) f(0, 8, 16, 24)
#define TL_EACH_2(f) TL_EACH_1(f) f(1, 9, 17, 25)
#define TL_EACH_3(f) TL_EACH_2(f) f(2, 10, 18, 26)
#define TL_EACH_4(f) TL_EACH_3(f) f(3, 11, 19, 27)
#define TL_EACH_5(f) TL_EACH_4(f) f(4, 12, 20, 28)
#define TL_EACH_6(f) TL_EACH_5(f) f(5, 13, 21, 29)
#define TL_EACH_7(f) TL_EACH_6(f) f(6, 14, 22, 30)
#define TL_EACH_8(f) TL_EACH_7(f) f(7, 15, 23, 31)

/* f(n) for every width of a slice. */
#define TL_FOR_WIDTHS(f) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8)

/* case n: call; for a literal n. */
#define TL_CASE(n, call) \
  case n:                \
    call;                \
    break;

/* body, %c[u] times over, u = 1..4. */
#define TL_UNROLL(body)                                            \
  body ".if %c[u] > 1\n\t" body ".endif\n\t.if %c[u] > 2\n\t" body \
       ".endif\n\t.if %c[u] > 3\n\t" body ".endif\n\t"

/* How often to unroll a loop of n rounds: a divisor of a literal n. */
#define TL_TIMES(n) \
  (!TL_LITERAL(n) ? 1 : (n) % 4 == 0 ? 4 : (n) % 3 == 0 ? 3 : (n) % 2 == 0 ? 2 : 1)

#define TL_BANK_A "s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7"
#define TL_BANK_B "s8", "s9", "s10", "s11", "s12", "s13", "s14", "s15"
#define TL_BANK_C "s16", "s17", "s18", "s19", "s20", "s21", "s22", "s23"
#define TL_BANK_D "s24", "s25", "s26", "s27", "s28", "s29", "s30", "s31"

/* ---- element-wise ---- */

/* y[n] = value, n a multiple of 8, n > 0. */
TL_INLINE void tl_fill_8_f32(float *y, float value, int n) {
  __asm__ volatile(
      "vmov d0, %[v], %[v]\n\tvmov d1, %[v], %[v]\n\t"
      "vmov d2, %[v], %[v]\n\tvmov d3, %[v], %[v]\n"
      "1:\n\tvstmia %[y]!, {s0-s7}\n\tsubs %[left], %[left], #8\n\tbne 1b"
      : [y] "+&r"(y), [left] "+&r"(n)
      : [v] "r"(value)
      : TL_BANK_A, "cc", "memory");
}

TL_INLINE void tl_fill_f32(float *y, float value, int n) {
  const int whole = n & ~7;
  int i;
  if (whole > 0) tl_fill_8_f32(y, value, whole);
  for (i = whole; i < n; i++) y[i] = value;
}

/* y[n] = x[n], n a multiple of 8, n > 0. */
TL_INLINE void tl_copy_8_f32(float *y, const float *x, int n) {
  __asm__ volatile(
      "1:\n\tvldmia %[x]!, {s0-s7}\n\tvstmia %[y]!, {s0-s7}\n\t"
      "subs %[left], %[left], #8\n\tbne 1b"
      : [y] "+&r"(y), [x] "+&r"(x), [left] "+&r"(n)
      :
      : TL_BANK_A, "cc", "memory");
}

TL_INLINE void tl_copy_f32(float *y, const float *x, int n) {
  const int whole = n & ~7;
  int i;
  if (whole > 0) tl_copy_8_f32(y, x, whole);
  for (i = whole; i < n; i++) y[i] = x[i];
}

#define TL_SQUARE(a, b, c, d) "vfma.f32 %[acc], s" #c ", s" #c "\n\t"

/* n a multiple of 8, n > 0. */
TL_INLINE float tl_sum_squares_8_f32(float acc, const float *x, int n) {
  __asm__ volatile("1:\n\tvldmia %[x]!, " TL_C_8
                   "\n\t" TL_EACH_8(TL_SQUARE) "subs %[left], %[left], #8\n\tbne 1b"
                   : [acc] "+t"(acc), [x] "+&r"(x), [left] "+&r"(n)
                   :
                   : TL_BANK_C, "cc", "memory");
  return acc;
}

/* acc + sum of squares of x. */
TL_INLINE float tl_sum_squares_f32(float acc, const float *x, int n) {
  const int whole = n & ~7;
  int i;
  if (whole > 0) acc = tl_sum_squares_8_f32(acc, x, whole);
  for (i = whole; i < n; i++) acc = TL_FMA(x[i], x[i], acc);
  return acc;
}

/* A += s24 C. */
#define TL_AXPY(a, b, c, d) "vfma.f32 s" #a ", s24, s" #c "\n\t"

#define TL_DEFINE_ACCUMULATE_SCALED(n)                                                    \
  TL_INLINE void tl_accumulate_scaled_##n(float *y, const float *x, float k, int count) { \
    __asm__ volatile(                                                                     \
        "vmov s24, %[k]\n"                                                                \
        "1:\n\tvldmia %[y], " TL_A_##n "\n\tvldmia %[x]!, " TL_C_##n                      \
        "\n\t" TL_EACH_##n(TL_AXPY) "vstmia %[y]!, " TL_A_##n                             \
        "\n\tsubs %[left], %[left], #1\n\tbne 1b"                                         \
        : [y] "+&r"(y), [x] "+&r"(x), [left] "+&r"(count)                                 \
        : [k] "r"(k)                                                                      \
        : TL_BANK_A, TL_BANK_C, "s24", "cc", "memory");                                   \
  }
TL_DEFINE_ACCUMULATE_SCALED(8)

/* y[i] += k * x[i]. */
TL_INLINE void tl_accumulate_scaled_f32(float *y, const float *x, float k, int n) {
  int i = n & ~7;
  if (i > 0) tl_accumulate_scaled_8(y, x, k, n / 8);
  for (; i < n; i++) y[i] = TL_FMA(k, x[i], y[i]);
}

/* y[n] = b[n] + k * w[n], n a multiple of 8, n > 0. */
TL_INLINE void tl_multiply_add_8_f32(float *y, const float *w, const float *b, float k, int n) {
  __asm__ volatile(
      "vmov s24, %[k]\n"
      "1:\n\tvldmia %[b]!, " TL_A_8 "\n\tvldmia %[w]!, " TL_C_8
      "\n\t" TL_EACH_8(TL_AXPY) "vstmia %[y]!, " TL_A_8
                                "\n\tsubs %[left], %[left], #8\n\tbne 1b"
      : [y] "+&r"(y), [w] "+&r"(w), [b] "+&r"(b), [left] "+&r"(n)
      : [k] "r"(k)
      : TL_BANK_A, TL_BANK_C, "s24", "cc", "memory");
}

/* y[i] = b[i] + k * w[i]. */
TL_INLINE void tl_multiply_add_f32(float *y, const float *w, const float *b, float k, int n) {
  int i = n & ~7;
  if (i > 0) tl_multiply_add_8_f32(y, w, b, k, i);
  for (; i < n; i++) y[i] = TL_FMA(k, w[i], b[i]);
}

/* A = max(A, 0), NaN stays: "lower or same" is false where VCMP is unordered. s24 = 0. */
#define TL_RELU_S(reg)                         \
  "vcmp.f32 s" #reg                            \
  ", #0\n\tvmrs APSR_nzcv, fpscr\n\tit ls\n\t" \
  "vmovls.f32 s" #reg ", s24\n\t"
#define TL_RELU_A(a, b, c, d) TL_RELU_S(a)

/* y[n] = max(x[n], 0), n a multiple of 8, n > 0. */
TL_INLINE void tl_relu_8_f32(float *y, const float *x, int n) {
  __asm__ volatile(
      "vmov s24, %[z]\n"
      "1:\n\tvldmia %[x]!, " TL_A_8
      "\n\t" TL_EACH_8(TL_RELU_A) "vstmia %[y]!, " TL_A_8
                                  "\n\tsubs %[left], %[left], #8\n\tbne 1b"
      : [y] "+&r"(y), [x] "+&r"(x), [left] "+&r"(n)
      : [z] "r"(0)
      : TL_BANK_A, "s24", "cc", "memory");
}

/* y[i] = max(x[i], 0); y may be x. */
TL_INLINE void tl_relu_f32(float *y, const float *x, int n) {
  int i = n & ~7;
  if (i > 0) tl_relu_8_f32(y, x, i);
  for (; i < n; i++) y[i] = x[i] <= 0.0f ? 0.0f : x[i];
}

/* Four elements a round in core registers: the sign of -y as a mask on d. */
TL_INLINE void tl_relu_mask_4_f32(float *dx, const float *d, const float *y, int n) {
  __asm__ volatile(
      "1:\n\tldmia %[y]!, {r4, r5, r6, r8}\n\tldmia %[d]!, {r9, r10, r11, r12}\n\t"
      "rsb r4, r4, #0\n\trsb r5, r5, #0\n\trsb r6, r6, #0\n\trsb r8, r8, #0\n\t"
      "and r9, r9, r4, asr #31\n\tand r10, r10, r5, asr #31\n\t"
      "and r11, r11, r6, asr #31\n\tand r12, r12, r8, asr #31\n\t"
      "stmia %[dx]!, {r9, r10, r11, r12}\n\tsubs %[left], %[left], #4\n\tbne 1b"
      : [dx] "+&r"(dx), [d] "+&r"(d), [y] "+&r"(y), [left] "+&r"(n)
      :
      : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
}

/* dx[i] = y[i] > 0 ? d[i] : 0, for y = max(..., 0); dx may be d or y. */
TL_INLINE void tl_relu_mask_f32(float *dx, const float *d, const float *y, int n) {
  int i = n & ~3;
  if (i > 0) tl_relu_mask_4_f32(dx, d, y, i);
  for (; i < n; i++) dx[i] = tl_masked(d[i], y[i]);
}

/* A += C. */
#define TL_SUM(a, b, c, d) "vadd.f32 s" #a ", s" #a ", s" #c "\n\t"
#define TL_ZERO_A                                  \
  "vmov d0, %[z], %[z]\n\tvmov d1, %[z], %[z]\n\t" \
  "vmov d2, %[z], %[z]\n\tvmov d3, %[z], %[z]\n\t"
#define TL_ZERO_B                                  \
  "vmov d4, %[z], %[z]\n\tvmov d5, %[z], %[z]\n\t" \
  "vmov d6, %[z], %[z]\n\tvmov d7, %[z], %[z]\n\t"
#define TL_ZERO_C                                  \
  "vmov d8, %[z], %[z]\n\tvmov d9, %[z], %[z]\n\t" \
  "vmov d10, %[z], %[z]\n\tvmov d11, %[z], %[z]\n\t"

#define TL_DEFINE_COLUMN_SUMS(n)                                                            \
  TL_INLINE void tl_column_sums_##n(float *sums, const float *d, int positions, int step) { \
    const int times = TL_TIMES(positions);                                                  \
    int rounds = positions / times;                                                         \
    __asm__ volatile(                                                                       \
        TL_ZERO_A "1:\n\t" TL_UNROLL(                                                       \
            "vldmia %[d], " TL_C_##n "\n\tadd %[d], %[d], %[step]\n\t" TL_EACH_##n(         \
                TL_SUM)) "subs %[left], %[left], #1\n\tbne 1b\n\tvstmia %[sums], " TL_A_##n \
        : [d] "+&r"(d), [left] "+&r"(rounds)                                                \
        : [sums] "r"(sums), [step] "rI"(step * 4), [u] "i"(times), [z] "r"(0)               \
        : TL_BANK_A, TL_BANK_C, "cc", "memory");                                            \
  }
TL_FOR_WIDTHS(TL_DEFINE_COLUMN_SUMS)

/* sums[c] = sum over positions p of d[p * step + c], for n <= 8 columns; positions > 0. */
TL_INLINE void tl_column_sums_f32(float sums[8], const float *d, int positions, int step,
                                  int n) {
#define TL_CALL(n) TL_CASE(n, tl_column_sums_##n(sums, d, positions, step))
  switch (n) { TL_FOR_WIDTHS(TL_CALL) }
#undef TL_CALL
}

/* ---- dot products: outputs of a patch ---- */

/* Where a patch's dot products stand: advanced past what was read. */
typedef struct {
  const float *x, *w0, *w1, *w2, *w3;
} tl_dot_at_t;

/* s0 += C . B and s1 += D . B, in turns; the same into s2, s3. */
#define TL_DOT_01(a, b, c, d) \
  "vfma.f32 s0, s" #c ", s" #b "\n\tvfma.f32 s1, s" #d ", s" #b "\n\t"
#define TL_DOT_23(a, b, c, d) \
  "vfma.f32 s2, s" #c ", s" #b "\n\tvfma.f32 s3, s" #d ", s" #b "\n\t"
#define TL_DOT_0(a, b, c, d) "vfma.f32 s0, s" #c ", s" #b "\n\t"

/* count rounds of u slices of n taps; x moves on by `gap` bytes after each round. The sums
 * start from `from` and go to y, through max(..., 0) if relu. */
#define TL_DOT_OPERANDS                                             \
  [y] "r"(y), [from] "r"(from), [u] "i"(u), [gap] "rI"(gap),        \
      [gaps] "i"(!TL_LITERAL(gap) || (gap) != 0), [relu] "i"(relu), \
      [loops] "i"(!TL_LITERAL(count) || (count) != 1)
#define TL_DOT_END                                               \
  ".if %c[gaps]\n\tadd %[x], %[x], %[gap]\n\t.endif\n\t"         \
  ".if %c[loops]\n\tsubs %[k], %[k], #1\n\tbne 1b\n\t.endif\n\t" \
  ".if %c[relu]\n\tvmov.f32 s24, #1.0\n\tvsub.f32 s24, s24, s24\n\t"

#define TL_DEFINE_DOT4(n)                                                                    \
  TL_INLINE void tl_dot4_##n(float *y, const float *from, tl_dot_at_t *at, int count, int u, \
                             int gap, int relu) {                                            \
    int k = count;                                                                           \
    __asm__ volatile("vldmia %[from], {s0-s3}\n1:\n\t" TL_UNROLL(                            \
                         "vldmia %[x]!, " TL_B_##n "\n\tvldmia %[w0]!, " TL_C_##n            \
                         "\n\tvldmia %[w1]!, " TL_D_##n                                      \
                         "\n\t" TL_EACH_##n(TL_DOT_01) "vldmia %[w2]!, " TL_C_##n            \
                         "\n\tvldmia %[w3]!, " TL_D_##n "\n\t" TL_EACH_##n(TL_DOT_23))       \
                         TL_DOT_END TL_RELU_S(0) TL_RELU_S(1) TL_RELU_S(2)                   \
                             TL_RELU_S(3) ".endif\n\tvstmia %[y], {s0-s3}"                   \
                     : [x] "+&r"(at->x), [w0] "+&r"(at->w0), [w1] "+&r"(at->w1),             \
                       [w2] "+&r"(at->w2), [w3] "+&r"(at->w3), [k] "+&r"(k)                  \
                     : TL_DOT_OPERANDS                                                       \
                     : TL_BANK_A, TL_BANK_B, TL_BANK_C, TL_BANK_D, "cc", "memory");          \
  }
TL_FOR_WIDTHS(TL_DEFINE_DOT4)

#define TL_DEFINE_DOT2(n)                                                                      \
  TL_INLINE void tl_dot2_##n(float *y, const float *from, tl_dot_at_t *at, int count, int u,   \
                             int gap, int relu) {                                              \
    int k = count;                                                                             \
    __asm__ volatile("vldmia %[from], {s0-s1}\n1:\n\t" TL_UNROLL(                              \
                         "vldmia %[x]!, " TL_B_##n "\n\tvldmia %[w0]!, " TL_C_##n              \
                         "\n\tvldmia %[w1]!, " TL_D_##n "\n\t" TL_EACH_##n(TL_DOT_01))         \
                         TL_DOT_END TL_RELU_S(0) TL_RELU_S(1) ".endif\n\tvstmia %[y], {s0-s1}" \
                     : [x] "+&r"(at->x), [w0] "+&r"(at->w0), [w1] "+&r"(at->w1), [k] "+&r"(k)  \
                     : TL_DOT_OPERANDS                                                         \
                     : TL_BANK_A, TL_BANK_B, TL_BANK_C, TL_BANK_D, "cc", "memory");            \
  }
TL_FOR_WIDTHS(TL_DEFINE_DOT2)

#define TL_DEFINE_DOT1(n)                                                                    \
  TL_INLINE void tl_dot1_##n(float *y, const float *from, tl_dot_at_t *at, int count, int u, \
                             int gap, int relu) {                                            \
    int k = count;                                                                           \
    __asm__ volatile("vldmia %[from], {s0}\n1:\n\t" TL_UNROLL("vldmia %[x]!, " TL_B_##n      \
                                                              "\n\tvldmia %[w0]!, " TL_C_##n \
                                                              "\n\t" TL_EACH_##n(TL_DOT_0))  \
                         TL_DOT_END TL_RELU_S(0) ".endif\n\tvstmia %[y], {s0}"               \
                     : [x] "+&r"(at->x), [w0] "+&r"(at->w0), [k] "+&r"(k)                    \
                     : TL_DOT_OPERANDS                                                       \
                     : TL_BANK_A, TL_BANK_B, TL_BANK_C, "s24", "cc", "memory");              \
  }
TL_FOR_WIDTHS(TL_DEFINE_DOT1)

/* A slice of a literal n = 1..8 taps, for 1, 2 or 4 filters. */
TL_INLINE void tl_dot_slices(float *y, const float *from, tl_dot_at_t *at, int filters, int n,
                             int count, int u, int gap, int relu) {
#define TL_CALL(n)                                                   \
  case n:                                                            \
    if (filters == 4) tl_dot4_##n(y, from, at, count, u, gap, relu); \
    if (filters == 2) tl_dot2_##n(y, from, at, count, u, gap, relu); \
    if (filters == 1) tl_dot1_##n(y, from, at, count, u, gap, relu); \
    break;
  switch (n) { TL_FOR_WIDTHS(TL_CALL) }
#undef TL_CALL
}

/* y += one row of any number of taps. */
TL_INLINE void tl_dot_row(float *y, tl_dot_at_t *at, int filters, int taps) {
  const int whole = taps / 8, rest = taps % 8;
  const int u = !TL_LITERAL(taps) ? 1 : whole % 3 == 0 ? 3 : whole % 2 == 0 ? 2 : 1;
  int i;
  if (whole > 0) tl_dot_slices(y, y, at, filters, 8, whole / u, u, 0, 0);
  if (TL_LITERAL(rest)) {
    tl_dot_slices(y, y, at, filters, rest, 1, 1, 0, 0);
    return;
  }
  for (i = 0; i < rest; i++) tl_dot_slices(y, y, at, filters, 1, 1, 1, 0, 0);
}

/* y += all rows, one by one. */
TL_INLINE void tl_dot_rows(float *y, tl_dot_at_t *at, tl_patch_t p, int filters) {
  int ky;
  for (ky = 0; ky < p.rows; ky++) {
    tl_dot_row(y, at, filters, p.taps);
    at->x += p.x_row - p.taps;
    at->w0 += p.w_row - p.taps;
    at->w1 += p.w_row - p.taps;
    at->w2 += p.w_row - p.taps;
    at->w3 += p.w_row - p.taps;
  }
}

/* 1 where a filter is one run of slices of equal width, so that one loop takes all of it. */
TL_INLINE int tl_patch_is_regular(tl_patch_t p) {
  return TL_LITERAL(p.taps) && TL_LITERAL(p.rows) && p.w_row == p.taps &&
         (p.taps < 8 || (p.taps % 8 == 0 && (p.rows == 1 || p.taps <= 24)));
}

/* y[f] for filters = 1, 2 or 4, from b or, where that is NULL, from 0. */
TL_INLINE void tl_patch_block(float *y, const float *x, const float *w, const float *b,
                              tl_patch_t p, int filters, int relu) {
  tl_dot_at_t at = {x, w, w + p.filter, w + 2 * p.filter, w + 3 * p.filter};
  const int slices = p.taps / 8;
  int u = slices % 3 == 0 ? 3 : slices % 2 == 0 ? 2 : 1;
  int f;
  for (f = 0; f < filters && !(b != NULL && tl_patch_is_regular(p)); f++)
    y[f] = b != NULL ? b[f] : 0.0f;
  if (!tl_patch_is_regular(p)) {
    tl_dot_rows(y, &at, p, filters);
    if (relu) tl_relu_f32(y, y, filters);
    return;
  }
  if (p.taps < 8) u = 1;
  tl_dot_slices(y, b != NULL ? b : y, &at, filters, p.taps < 8 ? p.taps : 8,
                p.taps < 8 ? p.rows : p.rows * slices / u, u,
                p.rows == 1 ? 0 : (p.x_row - p.taps) * 4, relu);
}

/* s28 and s29, s30 and s31: two filters of nine taps in s9-s17 and s18-s26, inputs in s0-s8. */
#define TL_NINE_TAPS(a0, a1)                              \
  "vldmia %[w]!, {s9-s17}\n\tvldmia %[w]!, {s18-s26}\n\t" \
  "vfma.f32 " a0 ", s9, s0\n\tvfma.f32 " a1               \
  ", s18, s0\n\t"                                         \
  "vfma.f32 " a0 ", s10, s1\n\tvfma.f32 " a1              \
  ", s19, s1\n\t"                                         \
  "vfma.f32 " a0 ", s11, s2\n\tvfma.f32 " a1              \
  ", s20, s2\n\t"                                         \
  "vfma.f32 " a0 ", s12, s3\n\tvfma.f32 " a1              \
  ", s21, s3\n\t"                                         \
  "vfma.f32 " a0 ", s13, s4\n\tvfma.f32 " a1              \
  ", s22, s4\n\t"                                         \
  "vfma.f32 " a0 ", s14, s5\n\tvfma.f32 " a1              \
  ", s23, s5\n\t"                                         \
  "vfma.f32 " a0 ", s15, s6\n\tvfma.f32 " a1              \
  ", s24, s6\n\t"                                         \
  "vfma.f32 " a0 ", s16, s7\n\tvfma.f32 " a1              \
  ", s25, s7\n\t"                                         \
  "vfma.f32 " a0 ", s17, s8\n\tvfma.f32 " a1 ", s26, s8\n\t"

/* All outputs, linear or ReLU, of a 3 x 3 patch of one channel: the inputs stay in registers
 * over the filters (a multiple of 4). w is [filters][9]. */
TL_INLINE void tl_patch_3x3_f32(float *y, const float *x, const float *w, const float *b,
                                int x_row, int filters, int relu) {
  int left = filters / 4;
  __asm__ volatile(
      "vldmia %[x], {s0-s2}\n\tadd %[x], %[x], %[x_row]\n\t"
      "vldmia %[x], {s3-s5}\n\tadd %[x], %[x], %[x_row]\n\tvldmia %[x], {s6-s8}\n"
      "1:\n\tvldmia %[b]!, {s28-s31}\n\t" TL_NINE_TAPS("s28", "s29")
          TL_NINE_TAPS("s30", "s31") ".if %c[relu]\n\tvmov s24, %[z]\n\t" TL_RELU_S(28)
              TL_RELU_S(29) TL_RELU_S(30) TL_RELU_S(
                  31) ".endif\n\tvstmia %[y]!, {s28-s31}\n\tsubs %[left], %[left], #1\n\tbne 1b"
      : [y] "+&r"(y), [x] "+&r"(x), [w] "+&r"(w), [b] "+&r"(b), [left] "+&r"(left)
      : [x_row] "rI"(x_row * 4), [relu] "i"(relu), [z] "r"(0)
      : TL_BANK_A, TL_BANK_B, TL_BANK_C, TL_BANK_D, "cc", "memory");
}

/* y[f] = b[f] + sum over the patch of w[f * filter + ...] * x[...] for any number of
 * filters, through max(..., 0) if relu. b may be NULL; y overlaps nothing. */
TL_INLINE void tl_patch_f32(float *y, const float *x, const float *w, const float *b,
                            tl_patch_t p, int filters, int relu) {
  int f = 0;
  if (tl_patch_is_regular(p) && p.rows == 3 && p.taps == 3 && filters % 4 == 0 && b != NULL) {
    tl_patch_3x3_f32(y, x, w, b, p.x_row, filters, relu);
    return;
  }
  for (; f + 4 <= filters; f += 4)
    tl_patch_block(y + f, x, w + f * p.filter, b != NULL ? b + f : NULL, p, 4, relu);
  for (; f + 2 <= filters; f += 2)
    tl_patch_block(y + f, x, w + f * p.filter, b != NULL ? b + f : NULL, p, 2, relu);
  if (f < filters)
    tl_patch_block(y + f, x, w + f * p.filter, b != NULL ? b + f : NULL, p, 1, relu);
}

/* ---- rows of weights against one vector of inputs ---- */

/* d[r] into register k; where it is 0 and skip is set, on to label 2. */
#define TL_NEXT_DELTA(k)                                                      \
  ".if %c[skip]\n\tldr %[t], [%[d]], #4\n\tlsls %[z], %[t], #1\n\tbeq 2f\n\t" \
  "vmov " k ", %[t]\n\t.else\n\tvldmia %[d]!, {" k "}\n\t.endif\n\t"
#define TL_NEXT_ROW "\n2:\n\tadd %[w], %[w], %[stride]\n\t"
#define TL_ROWS_END "subs %[left], %[left], #1\n\tbne 1b\n\t"

#define TL_ROWS_OPERANDS [stride] "rI"(stride * 4), [u] "i"(times), [skip] "i"(skip)
#define TL_ROWS_STATE(rows_at) \
  [w] "+&r"(rows_at), [d] "+&r"(d), [left] "+&r"(rounds), [t] "=&r"(t), [z] "=&r"(z)

#define TL_DEFINE_ROWS_GRADIENT(n)                                                           \
  TL_INLINE void tl_rows_gradient_##n(float *g, const float *w, const float *d, int rows,    \
                                      int stride, int skip) {                                \
    const int times = TL_TIMES(rows);                                                        \
    int rounds = rows / times, t, z;                                                         \
    __asm__ volatile("vldmia %[g], " TL_A_##n "\n1:\n\t" TL_UNROLL(TL_NEXT_DELTA(            \
        "s24") "vldmia %[w], " TL_C_##n "\n\t" TL_EACH_##n(TL_AXPY) TL_NEXT_ROW) TL_ROWS_END \
                     "vstmia %[g], " TL_A_##n                                                \
                     : TL_ROWS_STATE(w)                                                      \
                     : [g] "r"(g), TL_ROWS_OPERANDS                                          \
                     : TL_BANK_A, TL_BANK_C, "s24", "cc", "memory");                         \
  }
TL_FOR_WIDTHS(TL_DEFINE_ROWS_GRADIENT)

/* 16 inputs at a time: A and B hold the gradient, C and D all but the last of the weights,
 * s31 the delta. */
#define TL_AXPY_LOW(a, b, c, d) "vfma.f32 s" #a ", s31, s" #c "\n\t"
#define TL_AXPY_HIGH(a, b, c, d) "vfma.f32 s" #b ", s31, s" #d "\n\t"

TL_INLINE void tl_rows_gradient_16(float *g, const float *w, const float *d, int rows,
                                   int stride, int skip) {
  const int times = TL_TIMES(rows);
  int rounds = rows / times, t, z;
  __asm__ volatile(
      "vldmia %[g], {s0-s15}\n1:\n\t" TL_UNROLL(
          TL_NEXT_DELTA("s31") "vldmia %[w], {s16-s30}\n\t" TL_EACH_8(TL_AXPY_LOW) TL_EACH_7(
              TL_AXPY_HIGH) "vldr s16, [%[w], #60]\n\tvfma.f32 s15, s31, s16" TL_NEXT_ROW)
          TL_ROWS_END "vstmia %[g], {s0-s15}"
      : TL_ROWS_STATE(w)
      : [g] "r"(g), TL_ROWS_OPERANDS
      : TL_BANK_A, TL_BANK_B, TL_BANK_C, TL_BANK_D, "cc", "memory");
}

/* g[i] += sum_r d[r] * w[r * stride + i]: gradient with respect to the input of rows. */
TL_INLINE void tl_rows_gradient_f32(float *g, const float *w, const float *d, int rows,
                                    int stride, int n, int skip) {
  int i = 0;
  for (; i + 16 <= n; i += 16) tl_rows_gradient_16(g + i, w + i, d, rows, stride, skip);
  for (; i + 8 <= n; i += 8) tl_rows_gradient_8(g + i, w + i, d, rows, stride, skip);
  if (TL_LITERAL(n)) {
#define TL_CALL(n) TL_CASE(n, tl_rows_gradient_##n(g + i, w + i, d, rows, stride, skip))
    switch (n - i) { TL_FOR_WIDTHS(TL_CALL) }
#undef TL_CALL
  } else {
    for (; i < n; i++) tl_rows_gradient_1(g + i, w + i, d, rows, stride, skip);
  }
}

/* C += s25 A, C += s25 B, with s25 = s24 s26 = s d[r]. */
#define TL_OUTER_A(a, b, c, d) "vfma.f32 s" #c ", s25, s" #a "\n\t"
#define TL_OUTER_B(a, b, c, d) "vfma.f32 s" #c ", s25, s" #b "\n\t"
#define TL_SCALED_DELTA TL_NEXT_DELTA("s24") "vmul.f32 s25, s24, s26\n\t"

#define TL_DEFINE_ROWS_UPDATE(n)                                                              \
  TL_INLINE void tl_rows_update_##n(float *u, const float *x, const float *d, float s,        \
                                    int rows, int stride, int skip) {                         \
    register float k __asm__("s26") = s;                                                      \
    const int times = TL_TIMES(rows);                                                         \
    int rounds = rows / times, t, z;                                                          \
    __asm__ volatile("vldmia %[x], " TL_A_##n "\n1:\n\t" TL_UNROLL(                           \
                         TL_SCALED_DELTA "vldmia %[w], " TL_C_##n                             \
                         "\n\t" TL_EACH_##n(TL_OUTER_A) "vstmia %[w], " TL_C_##n TL_NEXT_ROW) \
                         TL_ROWS_END                                                          \
                     : TL_ROWS_STATE(u)                                                       \
                     : [x] "r"(x), "t"(k), TL_ROWS_OPERANDS                                   \
                     : TL_BANK_A, TL_BANK_C, "s24", "s25", "cc", "memory");                   \
  }
TL_FOR_WIDTHS(TL_DEFINE_ROWS_UPDATE)

/* 16 inputs at a time: A and B hold them; u points at the middle of the slice. */
TL_INLINE void tl_rows_update_16(float *u, const float *x, const float *d, float s, int rows,
                                 int stride, int skip) {
  register float k __asm__("s26") = s;
  float *middle = u + 8;
  const int times = TL_TIMES(rows);
  int rounds = rows / times, t, z;
  __asm__ volatile("vldmia %[x], {s0-s15}\n1:\n\t" TL_UNROLL(
                       TL_SCALED_DELTA "vldmdb %[w]!, {s16-s23}\n\t" TL_EACH_8(
                           TL_OUTER_A) "vstmia %[w]!, {s16-s23}\n\tvldmia %[w], "
                                       "{s16-s23}\n\t" TL_EACH_8(TL_OUTER_B) "vstmia %[w], "
                                                                             "{s16-"
                                                                             "s23}" TL_NEXT_ROW)
                       TL_ROWS_END
                   : TL_ROWS_STATE(middle)
                   : [x] "r"(x), "t"(k), TL_ROWS_OPERANDS
                   : TL_BANK_A, TL_BANK_B, TL_BANK_C, "s24", "s25", "cc", "memory");
}

/* u[r * stride + i] += (s * d[r]) * x[i]. */
TL_INLINE void tl_rows_update_f32(float *u, const float *x, const float *d, float s, int rows,
                                  int stride, int n, int skip) {
  int i = 0;
  for (; i + 16 <= n; i += 16) tl_rows_update_16(u + i, x + i, d, s, rows, stride, skip);
#define TL_CALL(n) TL_CASE(n, tl_rows_update_##n(u + i, x + i, d, s, rows, stride, skip))
  if (n - i >= 8) {
    tl_rows_update_8(u + i, x + i, d, s, rows, stride, skip);
    i += 8;
  }
  if (TL_LITERAL(n)) {
    switch (n - i) { TL_FOR_WIDTHS(TL_CALL) }
  } else {
    for (; i < n; i++) tl_rows_update_1(u + i, x + i, d, s, rows, stride, skip);
  }
#undef TL_CALL
}

/* A += (s d) x for a single input x: d in C becomes s d, s in s24, x in s25. */
#define TL_SCALE_C(a, b, c, d) "vmul.f32 s" #c ", s" #c ", s24\n\t"
#define TL_SINGLE(a, b, c, d) "vfma.f32 s" #a ", s25, s" #c "\n\t"

/* u[o] += (s * d[o]) * x, n a multiple of 8, n > 0. */
TL_INLINE void tl_single_update_8_f32(float *u, const float *d, float s, float x, int n) {
  __asm__ volatile(
      "vmov s24, s25, %[s], %[v]\n"
      "1:\n\tvldmia %[d]!, " TL_C_8 "\n\tvldmia %[u], " TL_A_8 "\n\t" TL_EACH_8(TL_SCALE_C)
          TL_EACH_8(TL_SINGLE) "vstmia %[u]!, " TL_A_8 "\n\tsubs %[left], %[left], #8\n\tbne 1b"
      : [u] "+&r"(u), [d] "+&r"(d), [left] "+&r"(n)
      : [s] "r"(s), [v] "r"(x)
      : TL_BANK_A, TL_BANK_C, "s24", "s25", "cc", "memory");
}

/* u[o] += (s * d[o]) * x: the update of a layer with one input. */
TL_INLINE void tl_single_update_f32(float *u, const float *d, float s, float x, int n) {
  int i = n & ~7;
  if (i > 0) tl_single_update_8_f32(u, d, s, x, i);
  for (; i < n; i++) u[i] = TL_FMA(tl_rounded(s * d[i]), x, u[i]);
}

/* x in A, gradient in B, weights in C. */
#define TL_INPUT_GRADIENT(a, b, c, d) "vfma.f32 s" #b ", s24, s" #c "\n\t"

#define TL_DEFINE_ROWS_LEARN(n)                                                            \
  TL_INLINE void tl_rows_learn_##n(float *dx, const float *x, float *w, const float *d,    \
                                   float s, int rows, int stride, int skip) {              \
    register float k __asm__("s26") = s;                                                   \
    const int times = TL_TIMES(rows);                                                      \
    int rounds = rows / times, t, z = 0;                                                   \
    __asm__ volatile(                                                                      \
        TL_ZERO_B "vldmia %[x], " TL_A_##n "\n1:\n\t" TL_UNROLL(                           \
            TL_SCALED_DELTA "vldmia %[w], " TL_C_##n "\n\t" TL_EACH_##n(TL_INPUT_GRADIENT) \
                TL_EACH_##n(TL_OUTER_A) "vstmia %[w], " TL_C_##n TL_NEXT_ROW) TL_ROWS_END  \
        "vstmia %[dx], " TL_B_##n                                                          \
        : [w] "+&r"(w), [d] "+&r"(d), [left] "+&r"(rounds), [t] "=&r"(t), [z] "+&r"(z)     \
        : [dx] "r"(dx), [x] "r"(x), "t"(k), TL_ROWS_OPERANDS                               \
        : TL_BANK_A, TL_BANK_B, TL_BANK_C, "s24", "s25", "cc", "memory");                  \
  }
TL_FOR_WIDTHS(TL_DEFINE_ROWS_LEARN)

/* dx[i] = sum_r d[r] * w[r * stride + i], then w[r * stride + i] += (s * d[r]) * x[i];
 * dx may be x. */
TL_INLINE void tl_rows_learn_f32(float *dx, const float *x, float *w, const float *d, float s,
                                 int rows, int stride, int n, int skip) {
  int i;
  for (i = 0; i + 8 <= n; i += 8)
    tl_rows_learn_8(dx + i, x + i, w + i, d, s, rows, stride, skip);
#define TL_CALL(n) TL_CASE(n, tl_rows_learn_##n(dx + i, x + i, w + i, d, s, rows, stride, skip))
  if (TL_LITERAL(n)) {
    switch (n - i) { TL_FOR_WIDTHS(TL_CALL) }
  } else {
    for (; i < n; i++) tl_rows_learn_1(dx + i, x + i, w + i, d, s, rows, stride, skip);
  }
#undef TL_CALL
}

/* ---- taps of filters against many positions ---- */

/* Two deltas of neighbouring filters into s24 and s25. With skip they stay in core registers
 * too, to be tested. A: gradient of the first filter's taps, B: of the second's, C: inputs. */
#define TL_NEXT_POSITION                                                     \
  ".if %c[skip]\n\tldrd %[t], %[z], [%[d]]\n\tvmov s24, s25, %[t], %[z]\n\t" \
  "lsls %[t], %[t], #1\n\t.else\n\tvldmia %[d], {s24-s25}\n\t.endif\n\t"     \
  "add %[d], %[d], %[d_col]\n\t"
#define TL_TAPS_A(a, b, c, d) "vfma.f32 s" #a ", s24, s" #c "\n\t"
#define TL_TAPS_B(a, b, c, d) "vfma.f32 s" #b ", s25, s" #c "\n\t"
/* C += s26 A; C += s26 B. */
#define TL_STEP_A(a, b, c, d) "vfma.f32 s" #c ", s26, s" #a "\n\t"
#define TL_STEP_B(a, b, c, d) "vfma.f32 s" #c ", s26, s" #b "\n\t"

#define TL_TAPS_OPERANDS                                                                \
  [x_col] "rI"(p.x_col * 4), [d_col] "rI"(p.d_col * 4),                                 \
      [x_gap] "rI"((p.x_row - p.cols * p.x_col) * 4),                                   \
      [d_gap] "rI"((p.d_row - p.cols * p.d_col) * 4),                                   \
      [gaps] "i"(!TL_LITERAL(p.cols) || p.d_row != p.cols * p.d_col), [skip] "i"(skip), \
      [cols] "rI"(p.cols / times), [u] "i"(times), [u_row] "rI"(stride * 4)

#define TL_TAPS_BEGIN "\n1:\n\tmov %[k], %[cols]\n3:\n\t"
#define TL_TAPS_END                                               \
  "subs %[k], %[k], #1\n\tbne 3b\n\tadd %[x], %[x], %[x_gap]\n\t" \
  ".if %c[gaps]\n\tadd %[d], %[d], %[d_gap]\n\t.endif\n\t"        \
  "subs %[left], %[left], #1\n\tbne 1b\n\t"

#define TL_DEFINE_TAPS2(n)                                                                     \
  TL_INLINE void tl_taps2_##n(float *w, const float *x, const float *d, float s, tl_sweep_t p, \
                              int stride, int skip) {                                          \
    register float step __asm__("s26") = s;                                                    \
    const int times = TL_TIMES(p.cols);                                                        \
    int rows = p.rows, k, t, z = 0;                                                            \
    __asm__ volatile(                                                                          \
        TL_ZERO_A TL_ZERO_B TL_TAPS_BEGIN TL_UNROLL(                                           \
            TL_NEXT_POSITION "vldmia %[x], " TL_C_##n                                          \
            "\n\tadd %[x], %[x], %[x_col]\n\t"                                                 \
            ".if %c[skip]\n\tbeq 4f\n\t.endif\n\t" TL_EACH_##n(                                \
                TL_TAPS_A) "\n4:\n\t.if %c[skip]\n\tlsls %[z], %[z], #1\n\tbeq "               \
                           "2f\n\t.endif\n\t" TL_EACH_##n(TL_TAPS_B) "\n2:\n\t") TL_TAPS_END   \
        "vldmia %[w], " TL_C_##n "\n\t" TL_EACH_##n(TL_STEP_A) "vstmia %[w], " TL_C_##n        \
        "\n\tadd %[w], %[w], %[u_row]\n\t"                                                     \
        "vldmia %[w], " TL_C_##n "\n\t" TL_EACH_##n(TL_STEP_B) "vstmia %[w], " TL_C_##n        \
        : [w] "+&r"(w), [x] "+&r"(x), [d] "+&r"(d), [left] "+&r"(rows), [k] "=&r"(k),          \
          [t] "=&r"(t), [z] "+&r"(z)                                                           \
        : "t"(step), TL_TAPS_OPERANDS                                                          \
        : TL_BANK_A, TL_BANK_B, TL_BANK_C, "s24", "s25", "cc", "memory");                      \
  }
TL_FOR_WIDTHS(TL_DEFINE_TAPS2)

#define TL_DEFINE_TAPS1(n)                                                                     \
  TL_INLINE void tl_taps1_##n(float *w, const float *x, const float *d, float s, tl_sweep_t p, \
                              int stride, int skip) {                                          \
    register float step __asm__("s26") = s;                                                    \
    const int times = TL_TIMES(p.cols);                                                        \
    int rows = p.rows, k, t, z = 0;                                                            \
    __asm__ volatile(TL_ZERO_A TL_TAPS_BEGIN TL_UNROLL(                                        \
                         "vldr s24, [%[d]]\n\tadd %[d], %[d], %[d_col]\n\t"                    \
                         "vldmia %[x], " TL_C_##n                                              \
                         "\n\tadd %[x], %[x], %[x_col]\n\t"                                    \
                         ".if %c[skip]\n\tvmov %[t], s24\n\tlsls %[t], %[t], #1\n\tbeq 2f\n\t" \
                         ".endif\n\t" TL_EACH_##n(TL_TAPS_A) "\n2:\n\t") TL_TAPS_END           \
                     "vldmia %[w], " TL_C_##n                                                  \
                     "\n\t" TL_EACH_##n(TL_STEP_A) "vstmia %[w], " TL_C_##n                    \
                     : [w] "+&r"(w), [x] "+&r"(x), [d] "+&r"(d), [left] "+&r"(rows),           \
                       [k] "=&r"(k), [t] "=&r"(t), [z] "+&r"(z)                                \
                     : "t"(step), TL_TAPS_OPERANDS                                             \
                     : TL_BANK_A, TL_BANK_C, "s24", "cc", "memory");                           \
  }
TL_FOR_WIDTHS(TL_DEFINE_TAPS1)

/* Three taps of eight filters: gradients in s0-s23, inputs in s24-s26, four deltas at a time
 * in s28-s31. No skipping: a test costs as much as the three products. */
#define TL_TRIPLE(d, g0, g1, g2)                       \
  "vfma.f32 " g0 ", " d ", s24\n\tvfma.f32 " g1 ", " d \
  ", s25\n\t"                                          \
  "vfma.f32 " g2 ", " d ", s26\n\t"
#define TL_TRIPLE_STEP(g0, g1, g2)                                                \
  "vldmia %[w], {s24-s26}\n\tvfma.f32 s24, s27, " g0 "\n\tvfma.f32 s25, s27, " g1 \
  "\n\tvfma.f32 s26, s27, " g2                                                    \
  "\n\tvstmia %[w], {s24-s26}\n\t"                                                \
  "add %[w], %[w], %[u_row]\n\t"

TL_INLINE void tl_taps8_3(float *w, const float *x, const float *d, float s, tl_sweep_t p,
                          int stride) {
  register float step __asm__("s27") = s;
  const int skip = 0, times = 1;
  int rows = p.rows, k;
  __asm__ volatile(
      TL_ZERO_A TL_ZERO_B TL_ZERO_C TL_TAPS_BEGIN
      "vldmia %[d]!, {s28-s31}\n\tvldmia %[x], {s24-s26}\n\tadd %[x], %[x], "
      "%[x_col]\n\t" TL_TRIPLE("s28", "s0", "s1", "s2") TL_TRIPLE("s29", "s3", "s4", "s5")
          TL_TRIPLE("s30", "s6", "s7", "s8") TL_TRIPLE(
              "s31", "s9", "s10",
              "s11") "vldmia %[d], {s28-s31}\n\tadd %[d], %[d], %[d_next]\n\t" TL_TRIPLE("s28",
                                                                                         "s12",
                                                                                         "s13",
                                                                                         "s14")
              TL_TRIPLE("s29", "s15", "s16", "s17") TL_TRIPLE("s30", "s18", "s19", "s20")
                  TL_TRIPLE("s31", "s21", "s22", "s23") TL_TAPS_END TL_TRIPLE_STEP(
                      "s0", "s1", "s2") TL_TRIPLE_STEP("s3", "s4", "s5")
                      TL_TRIPLE_STEP("s6", "s7", "s8") TL_TRIPLE_STEP("s9", "s10", "s11")
                          TL_TRIPLE_STEP("s12", "s13", "s14") TL_TRIPLE_STEP(
                              "s15", "s16", "s17") TL_TRIPLE_STEP("s18", "s19", "s20")
                              TL_TRIPLE_STEP("s21", "s22", "s23")
      : [w] "+&r"(w), [x] "+&r"(x), [d] "+&r"(d), [left] "+&r"(rows), [k] "=&r"(k)
      : "t"(step), TL_TAPS_OPERANDS, [d_next] "rI"(p.d_col * 4 - 16), [z] "r"(0)
      : TL_BANK_A, TL_BANK_B, TL_BANK_C, "s24", "s25", "s26", "s28", "s29", "s30", "s31", "cc",
        "memory");
}

/* A slice of n <= 8 taps of all filters. */
TL_INLINE void tl_taps_slice(float *u, const float *x, const float *d, float s, tl_sweep_t p,
                             int filters, int stride, int n, int skip) {
  int f;
  if (n == 3 && filters % 8 == 0) {
    for (f = 0; f < filters; f += 8) tl_taps8_3(u + f * stride, x, d + f, s, p, stride);
    return;
  }
#define TL_CALL(n)                                                                         \
  case n:                                                                                  \
    for (f = 0; f + 2 <= filters; f += 2)                                                  \
      tl_taps2_##n(u + f * stride, x, d + f, s, p, stride, skip & (n > 3));                \
    if (f < filters) tl_taps1_##n(u + f * stride, x, d + f, s, p, stride, skip & (n > 3)); \
    break;
  switch (n) { TL_FOR_WIDTHS(TL_CALL) }
#undef TL_CALL
}

/* u[i] += s * sum over positions p of d[p] * x[p][i], for the n contiguous taps of each of
 * several filters, stride floats apart in u and neighbours in d. No sweep is empty. */
TL_INLINE void tl_taps_update_f32(float *u, const float *x, const float *d, float s,
                                  tl_sweep_t p, int filters, int stride, int n, int skip) {
  int i;
  for (i = 0; i + 8 <= n; i += 8)
    tl_taps_slice(u + i, x + i, d, s, p, filters, stride, 8, skip);
  if (i < n) tl_taps_slice(u + i, x + i, d, s, p, filters, stride, n - i, skip);
}

/* ---- channel by channel ---- */

#define TL_SWEEP_OPERANDS                                                          \
  [x_col] "rI"(p.x_col * 4), [d_col] "rI"(p.d_col * 4),                            \
      [x_gap] "rI"((p.x_row - p.cols * p.x_col) * 4),                              \
      [d_gap] "rI"((p.d_row - p.cols * p.d_col) * 4), [cols] "rI"(p.cols / times), \
      [u] "i"(times)
#define TL_SWEEP_NEXT "add %[x], %[x], %[x_col]\n\tadd %[d], %[d], %[d_col]\n\t"
#define TL_SWEEP_END                                              \
  "subs %[k], %[k], #1\n\tbne 3b\n\tadd %[x], %[x], %[x_gap]\n\t" \
  "add %[d], %[d], %[d_gap]\n\tsubs %[left], %[left], #1\n\tbne 1b\n\t"

/* A += B C. */
#define TL_PRODUCT(a, b, c, d) "vfma.f32 s" #a ", s" #b ", s" #c "\n\t"

#define TL_DEFINE_CHANNEL_PRODUCTS(n)                                                \
  TL_INLINE void tl_channel_products_##n(float *acc, const float *x, const float *d, \
                                         tl_sweep_t p) {                             \
    const int times = TL_TIMES(p.cols);                                              \
    int rows = p.rows, k;                                                            \
    __asm__ volatile("vldmia %[acc], " TL_A_##n TL_TAPS_BEGIN TL_UNROLL(             \
                         "vldmia %[x], " TL_B_##n "\n\tvldmia %[d], " TL_C_##n       \
                         "\n\t" TL_SWEEP_NEXT TL_EACH_##n(TL_PRODUCT)) TL_SWEEP_END  \
                     "vstmia %[acc], " TL_A_##n                                      \
                     : [x] "+&r"(x), [d] "+&r"(d), [left] "+&r"(rows), [k] "=&r"(k)  \
                     : [acc] "r"(acc), TL_SWEEP_OPERANDS                             \
                     : TL_BANK_A, TL_BANK_B, TL_BANK_C, "cc", "memory");             \
  }
TL_FOR_WIDTHS(TL_DEFINE_CHANNEL_PRODUCTS)

/* acc[c] += sum over positions p of d[p][c] * x[p][c]. No sweep is empty. */
TL_INLINE void tl_channel_products_f32(float *acc, const float *x, const float *d, tl_sweep_t p,
                                       int n) {
  int i;
  for (i = 0; i + 8 <= n; i += 8) tl_channel_products_8(acc + i, x + i, d + i, p);
#define TL_CALL(n) TL_CASE(n, tl_channel_products_##n(acc + i, x + i, d + i, p))
  if (TL_LITERAL(n)) {
    switch (n - i) { TL_FOR_WIDTHS(TL_CALL) }
  } else {
    for (; i < n; i++) tl_channel_products_1(acc + i, x + i, d + i, p);
  }
#undef TL_CALL
}

#define TL_DEFINE_CHANNEL_SPREAD(n)                                                 \
  TL_INLINE void tl_channel_spread_##n(float *x, const float *d, const float *by,   \
                                       tl_sweep_t p) {                              \
    const int times = TL_TIMES(p.cols);                                             \
    int rows = p.rows, k;                                                           \
    __asm__ volatile("vldmia %[by], " TL_B_##n TL_TAPS_BEGIN TL_UNROLL(             \
                         "vldmia %[x], " TL_A_##n "\n\tvldmia %[d], " TL_C_##n      \
                         "\n\t" TL_EACH_##n(TL_PRODUCT) "vstmia %[x], " TL_A_##n    \
                         "\n\t" TL_SWEEP_NEXT) TL_SWEEP_END                         \
                     : [x] "+&r"(x), [d] "+&r"(d), [left] "+&r"(rows), [k] "=&r"(k) \
                     : [by] "r"(by), TL_SWEEP_OPERANDS                              \
                     : TL_BANK_A, TL_BANK_B, TL_BANK_C, "cc", "memory");            \
  }
TL_FOR_WIDTHS(TL_DEFINE_CHANNEL_SPREAD)

/* x[p][c] += k[c] * d[p][c]. No sweep is empty. */
TL_INLINE void tl_channel_spread_f32(float *x, const float *d, const float *k, tl_sweep_t p,
                                     int n) {
  int i;
  for (i = 0; i + 8 <= n; i += 8) tl_channel_spread_8(x + i, d + i, k + i, p);
#define TL_CALL(n) TL_CASE(n, tl_channel_spread_##n(x + i, d + i, k + i, p))
  if (TL_LITERAL(n)) {
    switch (n - i) { TL_FOR_WIDTHS(TL_CALL) }
  } else {
    for (; i < n; i++) tl_channel_spread_1(x + i, d + i, k + i, p);
  }
#undef TL_CALL
}

#endif
