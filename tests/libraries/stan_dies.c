/* Ends its process in the density: by abort() where the data have "abort", by exit(3) where they have "exit".
 */
#define HAS_DENSITY
#include "stan_one.h"

static const char* density(const bs_model* model, const double* theta, double* value, double* grad) {
  if (member(model, "abort") != NULL) abort();
  if (member(model, "exit") != NULL) exit(3);
  return standard_normal(theta, value, grad);
}
