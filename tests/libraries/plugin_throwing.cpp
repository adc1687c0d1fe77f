// A library in C++ that lets exceptions out: standard normal up to 1, beyond it a domain error.
#include <cstring>
#include <stdexcept>

#include "vfe_model.h"

extern "C" {

int32_t vfe_model_abi(void) {
  return VFE_MODEL_ABI;
}
int32_t vfe_model_start(const char* options, int64_t, int64_t* num_parameters) {
  if (std::strcmp(options, "start") == 0) throw std::runtime_error("no start");
  *num_parameters = 1;
  return 0;
}
int32_t vfe_model_parameter(int64_t, vfe_parameter* parameter) {
  std::strcpy(parameter->name, "x");
  return 0;
}
int32_t vfe_model_open(const vfe_rows*, void**) {
  return 0;
}
int32_t vfe_model_prior(int64_t, const double*, double*, double*) {
  return 0;
}
int32_t vfe_model_likelihood(void*, int64_t num_draws, const double* values, double* value,
                             double* gradient) {
  for (int64_t s = 0; s < num_draws; ++s) {
    if (values[s] > 1.0) throw std::domain_error("x is above 1");
    value[s] -= 0.5 * values[s] * values[s];
    if (gradient) gradient[s] -= values[s];
  }
  return 0;
}
void vfe_model_close(void*) {}
const char* vfe_model_error(void) {
  return "";
}
}
