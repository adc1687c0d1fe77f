// The same with the likelihood that Stan has made by hand.
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
  y ~ bernoulli_logit_glm(x, intercept, beta);
}
