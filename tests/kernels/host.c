/* host.c: console and memory for vectors.c on the host. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void put(const char *text);
float *allocate(size_t floats);
int finish(void);

void put(const char *text) { fputs(text, stdout); }

/* One block an array, so that AddressSanitizer sees its ends; never freed, the program is
 * short. Without it a guard word follows. */
float *allocate(size_t floats) {
  const uint32_t guard = 0x7fa5a5a5u;
#if defined(__SANITIZE_ADDRESS__)
  const size_t extra = 0;
#else
  const size_t extra = 1;
#endif
  float *p = malloc((floats + extra) * sizeof(float));
  if (p == NULL) abort();
  if (extra) memcpy(p + floats, &guard, sizeof guard);
  return p;
}

int finish(void) { return 0; }
