/* A library whose parameters are what the options say, in the words
 *
 *     count name transform lower upper num_dimensions size size size size
 *
 * where what is left out at the end is 0, and "-" is an empty text. Of several parameters each name is
 * followed by the index. The prior is standard normal in all values. */
#include <stdio.h>
#include <string.h>

#include "vfe_model.h"

static vfe_parameter described;
static long long count, size;

int32_t vfe_model_abi(void) {
  return VFE_MODEL_ABI;
}

int32_t vfe_model_start(const char* options, int64_t num_columns, int64_t* num_parameters) {
  long long axes = 0, axis[VFE_MODEL_MAX_DIMENSIONS] = {0, 0, 0, 0};
  (void)num_columns;
  count = 0;
  memset(&described, 0, sizeof described);
  sscanf(options, "%lld %63s %63s %lf %lf %lld %lld %lld %lld %lld", &count, described.name,
         described.transform, &described.lower, &described.upper, &axes, axis, axis + 1, axis + 2, axis + 3);
  if (strcmp(described.name, "-") == 0) described.name[0] = '\0';
  if (strcmp(described.transform, "-") == 0) described.transform[0] = '\0';
  described.num_dimensions = axes;
  size = count;
  for (long long i = 0; i < VFE_MODEL_MAX_DIMENSIONS; ++i) {
    described.dimensions[i] = axis[i];
    if (i < axes) size *= axis[i];
  }
  *num_parameters = count;
  return 0;
}

int32_t vfe_model_parameter(int64_t index, vfe_parameter* parameter) {
  *parameter = described;
  if (count > 1) {
    /* As Fortran writes texts: padded with blanks, without an end. */
    char name[VFE_MODEL_NAME + 24];
    memset(parameter->name, ' ', sizeof parameter->name);
    memcpy(parameter->name, name, (size_t)sprintf(name, "%s%lld", described.name, (long long)index));
  }
  return 0;
}

int32_t vfe_model_open(const vfe_rows* rows, void** block) {
  (void)rows;
  *block = NULL;
  return 0;
}

int32_t vfe_model_prior(int64_t num_draws, const double* values, double* value, double* gradient) {
  for (int64_t s = 0; s < num_draws; ++s) {
    for (int64_t i = 0; i < size; ++i) {
      const double x = values[s * size + i];
      value[s] -= 0.5 * x * x;
      if (gradient) gradient[s * size + i] -= x;
    }
  }
  return 0;
}

int32_t vfe_model_likelihood(void* block, int64_t num_draws, const double* values, double* value,
                             double* gradient) {
  (void)block;
  for (int64_t s = 0; s < num_draws; ++s) {
    for (int64_t i = 0; i < size; ++i) {
      const double x = values[s * size + i];
      value[s] += 0.25 * x * (double)(i + 1);
      if (gradient) gradient[s * size + i] += 0.25 * (double)(i + 1);
    }
  }
  return 0;
}

void vfe_model_close(void* block) {
  (void)block;
}

const char* vfe_model_error(void) {
  return "it cannot fail";
}
