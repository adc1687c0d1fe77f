// A logistic regression with an unknown scale of its slopes, and whatever the tests want to see: a message, draws
// for which Stan throws, quantities of all kinds.
functions {
  real part(array[] int y, int first, int last, real alpha, vector beta, matrix x) {
    return bernoulli_logit_lpmf(y | alpha + x[first:last] * beta);
  }
}
data {
  int<lower=0> N;
  int<lower=1> K;
  matrix[N, K] x;
  array[N] int<lower=0, upper=1> y;
}
transformed data {
  print("logistic of ", N, " rows");
}
parameters {
  real alpha;
  vector[K] beta;
  real<lower=0> tau;
}
transformed parameters {
  real odds = exp(alpha);
}
model {
  if (alpha > 8) reject("alpha is too large: ", alpha);
  alpha ~ normal(0, 2);
  beta ~ normal(0, tau);
  tau ~ exponential(1);
  target += reduce_sum(part, y, 1, alpha, beta, x);  // Stan may add up the parts in any order
}
generated quantities {
  matrix[2, K] scaled = [beta', beta' / tau];
  array[3] int heads = rep_array(0, 3);
  for (i in 1:3) heads[i] = bernoulli_logit_rng(alpha);
  if (alpha < -8) reject("alpha is too small: ", alpha);
}
