/* Below 0 the density throws; above 10 it is 0, above 20 infinite. Above 1 the generated quantity throws. */
#define HAS_DENSITY
#define CONSTRAINS
#include "stan_one.h"

static const char* density(const bs_model* model, const double* theta, double* value, double* grad) {
  (void)model;
  if (theta[0] < 0) return "Exception: sqrt: theta is negative\n(in 'fails.stan', line 7)";
  standard_normal(theta, value, grad);
  if (theta[0] > 10) *value = theta[0] > 20 ? INFINITY : -INFINITY;
  return NULL;
}

static const char* constrain(const bs_model* model, const double* theta, bool generate, double* values,
                             const bs_rng* rng) {
  (void)model;
  (void)rng;
  if (generate && theta[0] > 1) return "Exception: the square is too large";
  values[0] = theta[0];
  if (generate) values[1] = theta[0] * theta[0];
  return NULL;
}
