/* A likelihood in C: linear regression with Gumbel noise, y ~ gumbel(location[0] + location[1..] x, scale).
 * Run: build/release/bin/vfe import apps/examples/solubility.csv -o 4.h5 --drop smiles
 *      cc -O2 -shared -fPIC -Iinclude apps/examples/4_plugin.c -o 4_plugin.so -lm
 *      mpirun -n 2 build/release/bin/vfe fit apps/examples/4_plugin.toml --overwrite */
#include <math.h>
#include <string.h>

#include "vfe_model.h"

static int64_t n; /* values: intercept, slopes, scale */
int32_t vfe_model_abi(void) { return VFE_MODEL_ABI; }
const char* vfe_model_error(void) { return "no failure"; }
void vfe_model_close(void* block) { (void)block; }

int32_t vfe_model_start(const char* options, int64_t num_columns, int64_t* num_parameters) {
  (void)options;
  n = num_columns + 2;
  *num_parameters = 2;
  return 0;
}
int32_t vfe_model_parameter(int64_t index, vfe_parameter* parameter) {
  strcpy(parameter->name, index == 0 ? "location" : "scale");
  strcpy(parameter->transform, index == 0 ? "identity" : "positive");
  parameter->num_dimensions = index == 0;
  parameter->dimensions[0] = n - 1;
  return 0;
}
int32_t vfe_model_open(const vfe_rows* rows, void** block) { return *block = (void*)rows, 0; }
/* location ~ normal(0, 5), scale ~ exponential(1) */
int32_t vfe_model_prior(int64_t num_draws, const double* values, double* value, double* gradient) {
  for (int64_t s = 0; s < num_draws; ++s, values += n) {
    for (int64_t i = 0; i < n - 1; ++i) {
      value[s] -= values[i] * values[i] / 50 + log(5 * sqrt(2 * M_PI));
      if (gradient) gradient[s * n + i] -= values[i] / 25;
    }
    value[s] -= values[n - 1];
    if (gradient) gradient[s * n + n - 1] -= 1;
  }
  return 0;
}
int32_t vfe_model_likelihood(void* block, int64_t num_draws, const double* values, double* value,
                             double* gradient) {
  const vfe_rows* rows = block;
  for (int64_t s = 0; s < num_draws; ++s, values += n) {
    for (int64_t r = 0; r < rows->num_rows; ++r) {
      const double *x = rows->x + r * (n - 2), scale = values[n - 1];
      double location = values[0];
      for (int64_t j = 0; j < n - 2; ++j) location += x[j] * values[j + 1];
      const double z = (rows->y[r] - location) / scale, slope = (1 - exp(-z)) / scale;
      value[s] -= log(scale) + z + exp(-z);
      if (!gradient) continue;
      gradient[s * n] += slope;
      for (int64_t j = 0; j < n - 2; ++j) gradient[s * n + j + 1] += slope * x[j];
      gradient[s * n + n - 1] += z * slope - 1 / scale;
    }
  }
  return 0;
}
