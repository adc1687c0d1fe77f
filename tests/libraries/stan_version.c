/* Of an interface to come. */
#define MAJOR_VERSION 3
#include "stan_one.h"
