/* A parameter for each row, so no program for shards: y[n] ~ normal(effect[n], 1), effect ~ normal(mu, 1). */
#include <stddef.h>
#define PARAMETERS list_names(model)
#define QUANTITIES list_names(model)
static const char* list_names(const void* model);
#include "stan_fake.h"

enum { max_rows = 9 };

typedef struct {
  int n;
  double y[max_rows];
} Data;

static const char* list_names(const void* model) {
  const Data* data = ((const bs_model*)model)->state;
  const char* all = "mu,effect.1,effect.2,effect.3,effect.4,effect.5,effect.6,effect.7,effect.8,effect.9";
  static char list[100];
  snprintf(list, sizeof list, "%.*s", 2 + 9 * data->n, all);
  return list;
}

static const char* construct(bs_model* model) {
  Data* data = calloc(1, sizeof *data);
  model->state = data;
  data->n = numbers(model, "y", data->y, max_rows);
  return data->n == number(model, "N", -1) && data->n <= max_rows ? NULL
                                                                  : "mismatch in dimension; variable name=y";
}

static const char* density(const bs_model* model, const double* theta, double* value, double* grad) {
  const Data* data = model->state;
  *value = -0.5 * theta[0] * theta[0];
  grad[0] = -theta[0];
  for (int i = 0; i < data->n; ++i) {
    const double effect = theta[1 + i] - theta[0], error = data->y[i] - theta[1 + i];
    *value -= 0.5 * (effect * effect + error * error);
    grad[0] += effect;
    grad[1 + i] = error - effect;
  }
  return NULL;
}

static const char* constrain(const bs_model* model, const double* theta, bool generate, double* values,
                             const bs_rng* rng) {
  (void)generate;
  (void)rng;
  for (int i = 0; i <= ((const Data*)model->state)->n; ++i) values[i] = theta[i];
  return NULL;
}
