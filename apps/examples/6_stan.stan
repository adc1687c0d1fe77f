// Robust regression, as a Stan program that is fitted in blocks of rows.
// Run: build/release/bin/vfe import apps/examples/solubility.csv -o 6.h5 --drop smiles
//      build/release/bin/vfe check apps/examples/6_stan.toml
//      mpirun -n 2 build/release/bin/vfe fit apps/examples/6_stan.toml --overwrite
data {
  int<lower=0> N;  // rows of this block
  int<lower=1> K;
  matrix[N, K] x;
  vector[N] log_solubility;
}
parameters {
  real intercept;
  vector[K] beta;
  real<lower=0> sigma;
}
model {
  intercept ~ normal(0, 10);
  beta ~ normal(0, 1);
  sigma ~ exponential(1);
  log_solubility ~ student_t(4, intercept + x * beta, sigma);
}
generated quantities {
  real effect_of_a_ring = pow(10, beta[7]);  // a factor on the solubility
}
