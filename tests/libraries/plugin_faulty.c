/* A standard normal x in which something goes wrong. The options say what:
 *
 *     start       refuses to start                 draws      fails for draws where x is above 1
 *     silent      the same, without a word         nan        is NaN everywhere
 *     parameter   does not describe its parameter  gradient   has a wrong gradient
 *     open        refuses to open a block          exit       calls exit(0) in the likelihood
 *                                                  crash      follows a null pointer in the likelihood
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfe_model.h"

static char fault[16];
static _Thread_local char error[80];

static int is(const char* name) {
  return strcmp(fault, name) == 0;
}

static int32_t fail(const char* text) {
  snprintf(error, sizeof error, "%s", text);
  return 1;
}

int32_t vfe_model_abi(void) {
  return VFE_MODEL_ABI;
}

int32_t vfe_model_start(const char* options, int64_t num_columns, int64_t* num_parameters) {
  (void)num_columns;
  snprintf(fault, sizeof fault, "%s", options);
  *num_parameters = 1;
  return is("start") || is("silent") ? fail("the option \"start\"\nis not for starting ") : 0;
}

int32_t vfe_model_parameter(int64_t index, vfe_parameter* parameter) {
  (void)index;
  strcpy(parameter->name, "x");
  return is("parameter") ? fail("x is not to be described") : 0;
}

int32_t vfe_model_open(const vfe_rows* rows, void** block) {
  (void)rows;
  *block = NULL;
  return is("open") ? fail("the block is locked") : 0;
}

int32_t vfe_model_prior(int64_t num_draws, const double* values, double* value, double* gradient) {
  (void)num_draws, (void)values, (void)value, (void)gradient;
  return 0;
}

int32_t vfe_model_likelihood(void* block, int64_t num_draws, const double* values, double* value,
                             double* gradient) {
  if (is("exit")) exit(0);
  if (is("crash")) value = block;
  for (int64_t s = 0; s < num_draws; ++s) {
    if (is("draws") && values[s] > 1.0) {
      snprintf(error, sizeof error, "x is %g, above 1", values[s]);
      return 1;
    }
    value[s] -= is("nan") ? NAN : 0.5 * values[s] * values[s];
    if (gradient) gradient[s] -= is("gradient") ? 0.9 * values[s] : values[s];
  }
  return 0;
}

void vfe_model_close(void* block) {
  (void)block;
}

const char* vfe_model_error(void) {
  return is("silent") ? NULL : error;
}
