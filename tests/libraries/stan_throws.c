/* Throws on whatever data. */
#define CONSTRUCTS
#include "stan_one.h"

static const char* construct(bs_model* model) {
  (void)model;
  return "Exception: variable does not exist;\n  processing stage=data initialization;   variable name=N\n";
}
