// What follows bridge.cpp in its file: the interface of BridgeStan 2.9 for R (its src/bridgestanR.h), whose
// .C passes pointers to everything and takes nothing back. Where a text is an error, R gets a copy of
// `message` and frees what `pointer` holds. Each function is the one of its name without _R.

namespace {

/// Hands an error to R as well as it wants it.
void give(char* error, char** message, void** pointer) {
  if (error != nullptr) *message = error;
  *pointer = error;
}

}  // namespace

extern "C" {

VFE_EXPORT void bs_version_R(int* major, int* minor, int* patch) {
  *major = bs_major_version;
  *minor = bs_minor_version;
  *patch = bs_patch_version;
}

VFE_EXPORT void bs_model_construct_R(char** data, int* seed, bs_model** model, char** message,
                                     void** pointer) {
  char* error = nullptr;
  *model = bs_model_construct(*data, static_cast<unsigned int>(*seed), &error);
  give(error, message, pointer);
}

VFE_EXPORT void bs_model_destruct_R(bs_model** model) {
  bs_model_destruct(*model);
}

VFE_EXPORT void bs_free_error_msg_R(void** pointer) {
  bs_free_error_msg(static_cast<char*>(*pointer));
}

VFE_EXPORT void bs_name_R(bs_model** model, const char** name) {
  *name = bs_name(*model);
}

VFE_EXPORT void bs_model_info_R(bs_model** model, const char** info) {
  *info = bs_model_info(*model);
}

VFE_EXPORT void bs_param_names_R(bs_model** model, int* transformed, int* generated, const char** names) {
  *names = bs_param_names(*model, *transformed, *generated);
}

VFE_EXPORT void bs_param_unc_names_R(bs_model** model, const char** names) {
  *names = bs_param_unc_names(*model);
}

VFE_EXPORT void bs_param_num_R(bs_model** model, int* transformed, int* generated, int* number) {
  *number = bs_param_num(*model, *transformed, *generated);
}

VFE_EXPORT void bs_param_unc_num_R(bs_model** model, int* number) {
  *number = bs_param_unc_num(*model);
}

VFE_EXPORT void bs_param_constrain_R(bs_model** model, int* transformed, int* generated, const double* theta,
                                     double* values, bs_rng** rng, int* code, char** message,
                                     void** pointer) {
  char* error = nullptr;
  // Without generated quantities R passes an integer where the random numbers would be.
  *code = bs_param_constrain(*model, *transformed, *generated, theta, values, *generated ? *rng : nullptr,
                             &error);
  give(error, message, pointer);
}

VFE_EXPORT void bs_param_unconstrain_R(bs_model** model, const double* values, double* theta, int* code,
                                       char** message, void** pointer) {
  char* error = nullptr;
  *code = bs_param_unconstrain(*model, values, theta, &error);
  give(error, message, pointer);
}

VFE_EXPORT void bs_param_unconstrain_json_R(bs_model** model, const char** json, double* theta, int* code,
                                            char** message, void** pointer) {
  char* error = nullptr;
  *code = bs_param_unconstrain_json(*model, *json, theta, &error);
  give(error, message, pointer);
}

// The newest of them, and the only one not held against the header: its arguments go as those of the others.
VFE_EXPORT void bs_param_initialize_R(bs_model** model, const char** json, bs_rng** rng, double* radius,
                                      int* tries, int* jacobian, double* theta, int* code, char** message,
                                      void** pointer) {
  char* error = nullptr;
  *code = bs_param_initialize(*model, *json, *rng, *radius, *tries, *jacobian, theta, &error);
  give(error, message, pointer);
}

VFE_EXPORT void bs_log_density_R(bs_model** model, int* propto, int* jacobian, const double* theta,
                                 double* value, int* code, char** message, void** pointer) {
  char* error = nullptr;
  *code = bs_log_density(*model, *propto, *jacobian, theta, value, &error);
  give(error, message, pointer);
}

VFE_EXPORT void bs_log_density_gradient_R(bs_model** model, int* propto, int* jacobian, const double* theta,
                                          double* value, double* gradient, int* code, char** message,
                                          void** pointer) {
  char* error = nullptr;
  *code = bs_log_density_gradient(*model, *propto, *jacobian, theta, value, gradient, &error);
  give(error, message, pointer);
}

VFE_EXPORT void bs_log_density_hessian_R(bs_model** model, int* propto, int* jacobian, const double* theta,
                                         double* value, double* gradient, double* hessian, int* code,
                                         char** message, void** pointer) {
  char* error = nullptr;
  *code = bs_log_density_hessian(*model, *propto, *jacobian, theta, value, gradient, hessian, &error);
  give(error, message, pointer);
}

VFE_EXPORT void bs_log_density_hessian_vector_product_R(bs_model** model, int* propto, int* jacobian,
                                                        const double* theta, const double* vector,
                                                        double* value, double* product, int* code,
                                                        char** message, void** pointer) {
  char* error = nullptr;
  *code = bs_log_density_hessian_vector_product(*model, *propto, *jacobian, theta, vector, value, product,
                                                &error);
  give(error, message, pointer);
}

VFE_EXPORT void bs_rng_construct_R(int* seed, bs_rng** rng, char** message, void** pointer) {
  char* error = nullptr;
  *rng = bs_rng_construct(static_cast<unsigned int>(*seed), &error);
  give(error, message, pointer);
}

VFE_EXPORT void bs_rng_destruct_R(bs_rng** rng) {
  bs_rng_destruct(*rng);
}

}  // extern "C"
