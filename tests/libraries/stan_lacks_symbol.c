/* Lacks bs_rng_construct. */
#define WITHOUT_RANDOM_NUMBERS
#include "stan_one.h"
