/* real x; real<lower=0> s; real<lower=-1, upper=4> p; and a q in (0, 1) that falls where its coordinate grows:
   what their transforms look like from outside. */
#define PARAMETERS "x,s,p,q"
#define QUANTITIES "x,s,p,q"
#include "stan_fake.h"

static double logistic(double t) {
  return 1.0 / (1.0 + exp(-t));
}

static const char* construct(bs_model* model) {
  (void)model;
  return NULL;
}

static const char* density(const bs_model* model, const double* theta, double* value, double* grad) {
  (void)model;
  *value = 0;
  for (int k = 0; k < 4; ++k) {
    *value -= 0.5 * theta[k] * theta[k];
    grad[k] = -theta[k];
  }
  return NULL;
}

static const char* constrain(const bs_model* model, const double* theta, bool generate, double* values,
                             const bs_rng* rng) {
  (void)model;
  (void)generate;
  (void)rng;
  values[0] = theta[0];
  values[1] = exp(theta[1]);
  values[2] = -1.0 + 5.0 * logistic(theta[2]);
  values[3] = logistic(-theta[3]);
  return NULL;
}
