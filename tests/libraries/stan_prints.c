/* Prints while it is constructed and at every call, in pieces that are no lines; leaves its last line open.
 */
#define CONSTRUCTS
#define HAS_DENSITY
#include "stan_one.h"

static const char* construct(bs_model* model) {
  (void)model;
  print("data ");
  print("read\n\nall");
  print(" of it\n");
  return NULL;
}

static const char* density(const bs_model* model, const double* theta, double* value, double* grad) {
  (void)model;
  char text[40];
  snprintf(text, sizeof text, "theta = %g\nnext", theta[0]);
  print(text);
  return standard_normal(theta, value, grad);
}
