/* The C interface of a library built by BridgeStan 2, for programs written by hand. Who includes this has
   defined PARAMETERS, the names of the unconstrained parameters as bs_param_unc_names lists them, and
   QUANTITIES, those of parameters and all that is made of them as bs_param_names lists them. It then defines
   construct, density and constrain, whose text, where it is not NULL, is what the program throws. */
#ifndef VFE_TESTS_STAN_FAKE_H
#define VFE_TESTS_STAN_FAKE_H
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef MAJOR_VERSION
#define MAJOR_VERSION 2
#endif

typedef struct {
  char* data;  /* the JSON text */
  void* state; /* the program's own, freed with the model */
} bs_model;
typedef struct {
  unsigned int seed;
} bs_rng;
typedef void (*print_callback)(const char* text, size_t size);

static print_callback print_to = NULL;

/* What a program's `print` does. */
static inline void print(const char* text) {
  if (print_to != NULL) {
    print_to(text, strlen(text));
  } else {
    fputs(text, stdout);
  }
}

/* Where the value of a member of the JSON object begins; NULL where there is none. Spaces as our writer puts
 * them. */
static inline const char* member(const bs_model* model, const char* name) {
  char key[64];
  snprintf(key, sizeof key, "\"%s\":", name);
  const char* found = strstr(model->data, key);
  return found == NULL ? NULL : found + strlen(key);
}

static inline double number(const bs_model* model, const char* name, double otherwise) {
  const char* text = member(model, name);
  return text == NULL ? otherwise : strtod(text, NULL);
}

/* Reads an array of numbers, at most `capacity`; returns how many there are, -1 for no array or no numbers.
 */
static inline int numbers(const bs_model* model, const char* name, double* values, int capacity) {
  const char* text = member(model, name);
  if (text == NULL || *text != '[') return -1;
  if (text[1] == ']') return 0;
  int count = 0;
  do {
    char* end;
    const double value = strtod(++text, &end);
    if (end == text) return -1;
    if (count < capacity) values[count] = value;
    ++count;
    text = end;
  } while (*text == ',');
  return count;
}

static const char* construct(bs_model* model);
static const char* density(const bs_model* model, const double* theta, double* value, double* grad);
static const char* constrain(const bs_model* model, const double* theta, bool generate, double* values,
                             const bs_rng* rng);

static inline int names_in(const char* list) {
  int count = *list != '\0';
  for (; *list != '\0'; ++list) count += *list == ',';
  return count;
}

static inline int give_back(const char* thrown, char** error) {
  if (thrown == NULL) return 0;
  if (error != NULL) {
    *error = malloc(strlen(thrown) + 1);
    strcpy(*error, thrown);
  }
  return -1;
}

int bs_major_version = MAJOR_VERSION;
int bs_minor_version = 6;
int bs_patch_version = 0;

bs_model* bs_model_construct(const char* data, unsigned int seed, char** error) {
  (void)seed;
  bs_model* model = calloc(1, sizeof *model);
  model->data = malloc(strlen(data) + 1);
  strcpy(model->data, data);
  const char* thrown = construct(model);
  if (thrown == NULL) return model;
  give_back(thrown, error);
  free(model->state);
  free(model->data);
  free(model);
  return NULL;
}

void bs_model_destruct(bs_model* model) {
  free(model->state);
  free(model->data);
  free(model);
}

void bs_free_error_msg(char* error) {
  free(error);
}

const char* bs_name(const bs_model* model) {
  (void)model;
  return "fake_model";
}

const char* bs_model_info(const bs_model* model) {
  (void)model;
#ifdef STAN_THREADS
  return "BridgeStan version: 2.6.0\nStan C++ Defines:\n\tSTAN_THREADS=true\n";
#else
  return "BridgeStan version: 2.6.0\nStan C++ Defines:\n\tSTAN_THREADS=false\n";
#endif
}

const char* bs_param_unc_names(const bs_model* model) {
  (void)model;
  return PARAMETERS;
}

int bs_param_unc_num(const bs_model* model) {
  return names_in(bs_param_unc_names(model));
}

/* Programs here have no transformed parameters; without generated quantities the names are those of
 * PARAMETERS. */
const char* bs_param_names(const bs_model* model, bool transformed, bool generated) {
  (void)transformed;
  return generated ? QUANTITIES : bs_param_unc_names(model);
}

int bs_param_num(const bs_model* model, bool transformed, bool generated) {
  return names_in(bs_param_names(model, transformed, generated));
}

#ifdef STAN_THREADS
/* A thread has a stack for automatic differentiation from its first gradient on; some programs need it for
 * all else. */
static _Thread_local bool has_stack = false;
#else
static bool has_stack = true;
#endif

int bs_param_constrain(const bs_model* model, bool transformed, bool generated, const double* theta,
                       double* values, bs_rng* rng, char** error) {
  (void)transformed;
  if (!has_stack) abort();
  return give_back(constrain(model, theta, generated, values, rng), error);
}

int bs_log_density_gradient(const bs_model* model, bool propto, bool jacobian, const double* theta,
                            double* value, double* grad, char** error) {
  has_stack = true;
  if (propto || !jacobian) return give_back("the test wants constants and Jacobian", error);
  return give_back(density(model, theta, value, grad), error);
}

int bs_log_density(const bs_model* model, bool propto, bool jacobian, const double* theta, double* value,
                   char** error) {
  if (!has_stack) abort();
  double* grad = malloc(sizeof(double) * (size_t)(bs_param_unc_num(model) + 1));
  const int result = bs_log_density_gradient(model, propto, jacobian, theta, value, grad, error);
  free(grad);
  return result;
}

#ifndef WITHOUT_RANDOM_NUMBERS
bs_rng* bs_rng_construct(unsigned int seed, char** error) {
  (void)error;
  bs_rng* rng = malloc(sizeof *rng);
  rng->seed = seed;
  return rng;
}
#endif

void bs_rng_destruct(bs_rng* rng) {
  free(rng);
}

int bs_set_print_callback(print_callback callback, char** error) {
  (void)error;
  print_to = callback;
  return 0;
}

#endif
