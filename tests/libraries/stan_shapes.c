/* Quantities of all shapes, each entry's value its own position in the list: a matrix[2, 3], an array[2] of
   tuples of a real and a vector[2], a complex number, an array[2] of complex numbers, a scalar. */
#define PARAMETERS "b.1.1,b.2.1,b.1.2,b.2.2,b.1.3,b.2.3"
#define QUANTITIES                                                                                     \
  "b.1.1,b.2.1,b.1.2,b.2.2,b.1.3,b.2.3,t.1:1,t.1:2.1,t.1:2.2,t.2:1,t.2:2.1,t.2:2.2,z.real,z.imag,w.1." \
  "real,w.1.imag,w.2.real,w.2.imag,s"
#include "stan_fake.h"

static const char* construct(bs_model* model) {
  (void)model;
  return NULL;
}

static const char* density(const bs_model* model, const double* theta, double* value, double* grad) {
  (void)model;
  *value = 0;
  for (int k = 0; k < 6; ++k) {
    *value -= 0.5 * theta[k] * theta[k];
    grad[k] = -theta[k];
  }
  return NULL;
}

static const char* constrain(const bs_model* model, const double* theta, bool generate, double* values,
                             const bs_rng* rng) {
  (void)theta;
  (void)rng;
  for (int k = 0; k < bs_param_num(model, true, generate); ++k) values[k] = k;
  return NULL;
}
