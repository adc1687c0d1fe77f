// What needs Stan 2.36.
parameters {
  sum_to_zero_vector[3] u;
}
model {
  u ~ normal(0, 1);
}
