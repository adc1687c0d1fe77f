/* The built-in logistic model as a plugin: the loops that anybody would write. */
#include <math.h>
#include <string.h>

#include "vfe_model.h"

static int64_t columns;
static const double log_root_two_pi = 0.91893853320467274178, intercept_scale = 10, scale = 2.5;

int32_t vfe_model_abi(void) {
  return VFE_MODEL_ABI;
}
const char* vfe_model_error(void) {
  return "no failure";
}
void vfe_model_close(void* block) {
  (void)block;
}

int32_t vfe_model_start(const char* options, int64_t num_columns, int64_t* num_parameters) {
  (void)options;
  columns = num_columns;
  *num_parameters = 2;
  return 0;
}

int32_t vfe_model_parameter(int64_t index, vfe_parameter* parameter) {
  strcpy(parameter->name, index == 0 ? "intercept" : "beta");
  parameter->num_dimensions = index;
  parameter->dimensions[0] = columns;
  return 0;
}

int32_t vfe_model_open(const vfe_rows* rows, void** block) {
  *block = (void*)rows;
  return 0;
}

int32_t vfe_model_prior(int64_t num_draws, const double* values, double* value, double* gradient) {
  for (int64_t s = 0; s < num_draws; ++s) {
    for (int64_t i = 0; i <= columns; ++i) {
      const double sd = i == 0 ? intercept_scale : scale, z = values[s * (columns + 1) + i] / sd;
      value[s] -= 0.5 * z * z + log(sd) + log_root_two_pi;
      if (gradient) gradient[s * (columns + 1) + i] -= z / sd;
    }
  }
  return 0;
}

int32_t vfe_model_likelihood(void* block, int64_t num_draws, const double* values, double* value,
                             double* gradient) {
  const vfe_rows* rows = block;
  for (int64_t s = 0; s < num_draws; ++s) {
    const double* beta = values + s * (columns + 1);
    double* slope = gradient ? gradient + s * (columns + 1) : NULL;
    for (int64_t r = 0; r < rows->num_rows; ++r) {
      const double* x = rows->x + r * columns;
      double eta = beta[0];
      for (int64_t j = 0; j < columns; ++j) eta += x[j] * beta[j + 1];
      const double odds = exp(-fabs(eta));
      value[s] += rows->y[r] * eta - (eta > 0 ? eta : 0) - log1p(odds);
      if (!slope) continue;
      const double residual = rows->y[r] - (eta > 0 ? 1 : odds) / (1 + odds);
      slope[0] += residual;
      for (int64_t j = 0; j < columns; ++j) slope[j + 1] += residual * x[j];
    }
  }
  return 0;
}
