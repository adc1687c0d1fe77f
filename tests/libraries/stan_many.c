/* beta[k] ~ normal(k / 1000, 1), 5,000 of them; their mean is generated. */
#define PARAMETERS list_names(false)
#define QUANTITIES list_names(true)
#include <stdbool.h>
static const char* list_names(bool generated);
#include "stan_fake.h"

enum { count = 5000 };

static const char* list_names(bool generated) {
  static char lists[2][count * 16];
  char* list = lists[generated];
  if (*list == '\0') {
    int at = 0;
    for (int k = 1; k <= count; ++k) at += sprintf(list + at, k == 1 ? "beta.%d" : ",beta.%d", k);
    if (generated) strcpy(list + at, ",mean");
  }
  return list;
}

static const char* construct(bs_model* model) {
  (void)model;
  return NULL;
}

static const char* density(const bs_model* model, const double* theta, double* value, double* grad) {
  (void)model;
  *value = -0.5 * count * log(2 * acos(-1.0));
  for (int k = 0; k < count; ++k) {
    const double z = theta[k] - (k + 1) / 1000.0;
    *value -= 0.5 * z * z;
    grad[k] = -z;
  }
  return NULL;
}

static const char* constrain(const bs_model* model, const double* theta, bool generate, double* values,
                             const bs_rng* rng) {
  (void)model;
  (void)rng;
  double sum = 0;
  for (int k = 0; k < count; ++k) sum += values[k] = theta[k];
  if (generate) values[count] = sum / count;
  return NULL;
}
