/* The interface of a model in a shared library, for C, Fortran and whatever speaks C; vfe loads it with
 *
 *     [model]
 *     type = "plugin"
 *     library = "./model.so"
 *
 * A model has parameters, which it describes, and a log density [nats]: a prior and a likelihood of blocks of
 * rows. It works with constrained values throughout: transforms and their Jacobians are vfe's. The functions
 * below are what the library must export; those that return int32_t, but for vfe_model_abi, return 0, or
 * something else after a failure, which vfe_model_error then describes. Blocks are evaluated from several
 * threads at once, one thread to a block at a time, the prior from one. Nothing may depend on the order of
 * calls, and the result of a draw not on the other draws of its call.
 */
#ifndef VFE_MODEL_H
#define VFE_MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { VFE_MODEL_ABI = 1, VFE_MODEL_NAME = 64, VFE_MODEL_MAX_DIMENSIONS = 4 };

/* A parameter. Its name is of letters, digits, "_" and ".". transform is one of identity, positive, bounded,
 * simplex, ordered, correlation_cholesky; empty is identity. Texts end with a NUL or with the field; blanks
 * at their ends do not count (so that Fortran may pad). lower and upper are of bounded, lower also of
 * positive. Entries are row-major (last axis fastest). */
typedef struct vfe_parameter {
  char name[VFE_MODEL_NAME];
  char transform[VFE_MODEL_NAME];
  int64_t num_dimensions; /* 0 of a scalar */
  int64_t dimensions[VFE_MODEL_MAX_DIMENSIONS];
  double lower, upper;
} vfe_parameter;

/* The rows of a block of the configuration's data.file, as model.formula makes columns of them: numbers in
 * their own units, a factor as columns of zeros and ones, none for an intercept. Without a file, a model has one
 * block of no rows and no columns, and all pointers are NULL. All of it stays where it is until the block is
 * closed. */
typedef struct vfe_rows {
  int64_t num_rows, num_columns;
  int64_t first_row;    /* of the dataset, from 0 */
  const double* x;      /* num_rows x num_columns, row-major */
  const double* y;      /* num_rows */
  const double* offset; /* num_rows, or NULL: 0 */
  const double* weight; /* num_rows, or NULL: 1 */
} vfe_rows;

/* The version of this interface that the library was written for: VFE_MODEL_ABI. */
int32_t vfe_model_abi(void);

/* Prepares the library, once, before anything else. options is the text model.options of the configuration,
 * not NULL; num_columns that of the data. Sets the number of parameters, of which each may have
 * many values. */
int32_t vfe_model_start(const char* options, int64_t num_columns, int64_t* num_parameters);

/* Describes parameter `index`, from 0. *parameter is zeroed before. */
int32_t vfe_model_parameter(int64_t index, vfe_parameter* parameter);

/* Opens a block: sets *block to anything the library likes (it may be NULL). */
int32_t vfe_model_open(const vfe_rows* rows, void** block);

/* ADDS the log prior of num_draws draws to value[s], and its gradient to gradient[s * n + i], unless gradient
 * is NULL; n is the number of constrained values, values[s * n + i] the i-th of draw s, parameters in their
 * order. A density that cannot be computed is NaN. After a failure, here and below, the draws of the call are
 * tried again one by one: those that fail alone are NaN. */
int32_t vfe_model_prior(int64_t num_draws, const double* values, double* value, double* gradient);

/* The same for the log likelihood of the rows of a block. */
int32_t vfe_model_likelihood(void* block, int64_t num_draws, const double* values, double* value,
                             double* gradient);

/* Closes a block that was opened without failure. */
void vfe_model_close(void* block);

/* What the last failure in this thread was, in one line; it stays until the next call in this thread. */
const char* vfe_model_error(void);

#ifdef __cplusplus
}
#endif
#endif
