/* y ~ normal(mu + beta x, sigma); mu, beta ~ normal(0, 10): a sum over rows. Members of the data break that,
   each in a way of its own: "mean": x is centred by its mean; "divide": the likelihood is divided by N;
   "order": row n counts n times; "product": a term sum(x) sum(y) beta, where no variable's rows depend on its
   own; "lower": N must be at least that. Quantities: the parameters, the sum of y, the seed of the random
   numbers. */
#define STAN_THREADS
#define PARAMETERS "mu,beta"
#define QUANTITIES "mu,beta,total,seed"
#include "stan_fake.h"

enum { max_rows = 1000 };

typedef struct {
  int n;
  double sigma, mean, total, divide, order, product, x[max_rows], y[max_rows];
} Data;

static const char* construct(bs_model* model) {
  Data* data = calloc(1, sizeof *data);
  model->state = data;
  data->n = (int)number(model, "N", -1);
  if (data->n < 0 || data->n > max_rows) return "variable does not exist;\n  variable name=N; base type=int";
  if (data->n < number(model, "lower", 0)) return "N is 0, but must be greater than or equal to 1";
  if (numbers(model, "x", data->x, max_rows) != data->n) return "mismatch in dimension; variable name=x";
  if (numbers(model, "y", data->y, max_rows) != data->n) return "mismatch in dimension; variable name=y";
  data->sigma = number(model, "sigma", 1);
  data->divide = number(model, "divide", 0);
  data->order = number(model, "order", 0);
  data->product = number(model, "product", 0);
  for (int i = 0; i < data->n; ++i) {
    data->mean += data->x[i] / data->n;
    data->total += data->y[i];
  }
  if (number(model, "mean", 0) == 0) data->mean = 0;
  return NULL;
}

static const char* density(const bs_model* model, const double* theta, double* value, double* grad) {
  const Data* data = model->state;
  const double constant = -0.5 * log(2 * acos(-1.0));
  double likelihood = 0, by_mu = 0, by_beta = 0, sum_x = 0;
  for (int i = 0; i < data->n; ++i) {
    const double x = data->x[i] - data->mean;
    const double z = (data->y[i] - theta[0] - theta[1] * x) / data->sigma;
    const double weight = data->order != 0 ? i + 1 : 1;
    likelihood += weight * (constant - log(data->sigma) - 0.5 * z * z);
    by_mu += weight * z / data->sigma;
    by_beta += weight * z * x / data->sigma;
    sum_x += data->x[i];
  }
  const double divisor = data->divide != 0 && data->n > 0 ? data->n : 1;
  *value = likelihood / divisor + data->product * sum_x * data->total * theta[1];
  grad[0] = by_mu / divisor;
  grad[1] = by_beta / divisor + data->product * sum_x * data->total;
  for (int k = 0; k < 2; ++k) {
    *value += constant - log(10.0) - 0.005 * theta[k] * theta[k];
    grad[k] -= 0.01 * theta[k];
  }
  return NULL;
}

static const char* constrain(const bs_model* model, const double* theta, bool generate, double* values,
                             const bs_rng* rng) {
  values[0] = theta[0];
  values[1] = theta[1];
  if (generate) {
    values[2] = ((const Data*)model->state)->total;
    values[3] = rng->seed;
  }
  return NULL;
}
