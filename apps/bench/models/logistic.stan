// The built-in logistic model, as people write it: rows x and y, counted by N.
data {
  int<lower=0> N;
  int<lower=1> K;
  matrix[N, K] x;
  array[N] int<lower=0, upper=1> y;
}
parameters {
  real intercept;
  vector[K] beta;
}
model {
  intercept ~ normal(0, 10);
  beta ~ normal(0, 2.5);
  y ~ bernoulli_logit(intercept + x * beta);
}
