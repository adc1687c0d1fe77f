/* Nothing to fit: all the program's variables are discrete data. */
#define PARAMETERS ""
#define QUANTITIES "answer"
#include "stan_fake.h"

static const char* construct(bs_model* model) {
  (void)model;
  return NULL;
}

static const char* density(const bs_model* model, const double* theta, double* value, double* grad) {
  (void)model;
  (void)theta;
  (void)grad;
  *value = -1.5;
  return NULL;
}

static const char* constrain(const bs_model* model, const double* theta, bool generate, double* values,
                             const bs_rng* rng) {
  (void)model;
  (void)theta;
  (void)rng;
  if (generate) values[0] = 42;
  return NULL;
}
