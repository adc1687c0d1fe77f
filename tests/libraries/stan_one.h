/* For programs of one standard normal parameter and one thing wrong: what this does not define, they do. */
#ifndef VFE_TESTS_STAN_ONE_H
#define VFE_TESTS_STAN_ONE_H
#define PARAMETERS "theta"
#define QUANTITIES "theta,square"
#include "stan_fake.h"

#ifndef CONSTRUCTS
static const char* construct(bs_model* model) {
  (void)model;
  return NULL;
}
#endif

static inline const char* standard_normal(const double* theta, double* value, double* grad) {
  *value = -0.5 * theta[0] * theta[0] - 0.5 * log(2 * acos(-1.0));
  *grad = -theta[0];
  return NULL;
}

#ifndef HAS_DENSITY
static const char* density(const bs_model* model, const double* theta, double* value, double* grad) {
  (void)model;
  return standard_normal(theta, value, grad);
}
#endif

#ifndef CONSTRAINS
static const char* constrain(const bs_model* model, const double* theta, bool generate, double* values,
                             const bs_rng* rng) {
  (void)model;
  (void)rng;
  values[0] = theta[0];
  if (generate) values[1] = theta[0] * theta[0];
  return NULL;
}
#endif

#endif
