/* y ~ normal(x beta, 1), a row of weight w counting as w rows, and beta ~ normal(0, 2): the posterior is
 * known. Without data the prior alone, of as many coefficients as the option says. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vfe_model.h"

static const double half_log_two_pi = 0.91893853320467274178;
static const double prior_sd = 2.0;
static int64_t size;

int32_t vfe_model_abi(void) {
  return VFE_MODEL_ABI;
}

int32_t vfe_model_start(const char* options, int64_t num_columns, int64_t* num_parameters) {
  size = num_columns > 0 ? num_columns : atoll(options);
  *num_parameters = 1;
  return 0;
}

int32_t vfe_model_parameter(int64_t index, vfe_parameter* parameter) {
  (void)index;
  strcpy(parameter->name, "beta");
  parameter->num_dimensions = 1;
  parameter->dimensions[0] = size;
  return 0;
}

int32_t vfe_model_open(const vfe_rows* rows, void** block) {
  vfe_rows* mine = malloc(sizeof *mine); /* so that a block left open is a leak */
  if (!mine) return 1;
  *mine = *rows;
  *block = mine;
  return 0;
}

int32_t vfe_model_prior(int64_t num_draws, const double* values, double* value, double* gradient) {
  for (int64_t s = 0; s < num_draws; ++s) {
    for (int64_t j = 0; j < size; ++j) {
      const double z = values[s * size + j] / prior_sd;
      value[s] -= 0.5 * z * z + half_log_two_pi + log(prior_sd);
      if (gradient) gradient[s * size + j] -= z / prior_sd;
    }
  }
  return 0;
}

int32_t vfe_model_likelihood(void* block, int64_t num_draws, const double* values, double* value,
                             double* gradient) {
  const vfe_rows* rows = block;
  for (int64_t s = 0; s < num_draws; ++s) {
    const double* beta = values + s * size;
    for (int64_t r = 0; r < rows->num_rows; ++r) {
      const double* x = rows->x + r * rows->num_columns;
      const double weight = rows->weight ? rows->weight[r] : 1.0;
      double residual = rows->y[r] - (rows->offset ? rows->offset[r] : 0.0);
      for (int64_t j = 0; j < size; ++j) residual -= x[j] * beta[j];
      value[s] -= weight * (0.5 * residual * residual + half_log_two_pi);
      for (int64_t j = 0; gradient && j < size; ++j) gradient[s * size + j] += weight * residual * x[j];
    }
  }
  return 0;
}

void vfe_model_close(void* block) {
  free(block);
}

const char* vfe_model_error(void) {
  return "out of memory";
}
