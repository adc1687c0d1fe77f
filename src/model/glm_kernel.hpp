#pragma once
#include <hwy/aligned_allocator.h>

#include <cstddef>
#include <string>
#include <vector>

#include "vfe/core/types.hpp"
#include "vfe/model/glm.hpp"

/// The inner loop of generalised linear models: log likelihood and gradient of S draws over the rows of one
/// block, by tiles of rows that stay in cache. Vectors hold rows, not draws: no lane is wasted at any S, and
/// what is computed for a draw cannot depend on its neighbours. Lanes are summed in an order that is the same
/// for every vector width.
namespace vfe::glm_kernel {

constexpr Index panel_rows = 8;       ///< rows stored together, column after column
constexpr Index tile_rows = 128;      ///< rows in work at a time: with a chunk of columns, 128 KiB of doubles
constexpr Index chunk_columns = 128;  ///< columns in work at a time, at most

/// Rearranges the rows of one block, row-major with `columns` entries each, in place: each complete panel of
/// 8 rows becomes column-major; rows left over stay as they are.
template <class T>
void pack_panels(T* x, Index rows, Index columns);

/// What a draw's scale parameters contribute, the same for all rows. Fields as the likelihood needs them.
struct DrawConstants {
  double log_density = 0.0;       ///< added to every row [nats]
  double inverse_sigma = 1.0;     ///< linear; student_t: 1 / (sigma sqrt(nu))
  double half_nu_plus_one = 0.0;  ///< student_t: (nu + 1) / 2
  double nu = 0.0;                ///< student_t
  double nu_slope = 0.0;          ///< student_t: d log_density / d log nu
  /// negative_binomial, r = 1 / overdispersion raised by `shift` steps to where asymptotic series hold
  double log_overdispersion = 0.0, r = 0.0, raised_r = 0.0, log_raise = 0.0;
  int shift = 0;
  double log_gamma_remainder = 0.0, digamma_remainder = 0.0;  ///< at raised_r
  double log_rising = 0.0, rising_slope = 0.0;  ///< log of r (r+1) ... (r+shift-1), its derivative by r
};

DrawConstants linear_constants(double sigma);
DrawConstants student_t_constants(double sigma, double nu);
DrawConstants negative_binomial_constants(double log_overdispersion);

/// Memory of one thread, kept from call to call.
class Workspace {
 public:
  /// n doubles, aligned, contents undefined, valid until the next request for the same purpose.
  double* request(std::size_t purpose, Index n);

 private:
  static constexpr std::size_t num_purposes = 6;
  hwy::AlignedFreeUniquePtr<double[]> memory_[num_purposes];
  Index size_[num_purposes] = {};
};

/// One evaluation. Pointers to results may be null where the result is not wanted.
struct Task {
  Likelihood likelihood = Likelihood::linear;
  Index rows = 0, columns = 0;
  const float* x_single = nullptr;  ///< packed; this or x_double
  const double* x_double = nullptr;
  const double* y = nullptr;
  const double* offset = nullptr;  ///< null: 0
  const double* weight = nullptr;  ///< null: 1

  Index draws = 0;
  Index classes = 1;              ///< linear predictors of a draw: classes other than the reference
  const double* theta = nullptr;  ///< a draw is a column of this stride
  Index theta_stride = 0;
  Index intercept_begin = -1;                ///< in theta: [class]; -1 if there is none
  Index coefficient_begin = 0;               ///< in theta: [class, column]
  const DrawConstants* constants = nullptr;  ///< of each draw

  double* value = nullptr;  ///< added to, [draw]
  double* grad = nullptr;   ///< added to: intercept and coefficients, a column of grad_stride a draw
  Index grad_stride = 0;
  double* scale_grad = nullptr;        ///< added to, [draw, 2]: by log sigma, log nu or log overdispersion
  double* row_value = nullptr;         ///< set, [draw, row]
  double* linear_predictor = nullptr;  ///< set, [draw, class, row]
};

void evaluate(const Task& task, Workspace& workspace);

/// The instruction set in use; those compiled that this machine can run, best first; and the choice of one,
/// for tests (empty: the best).
std::string instruction_set();
std::vector<std::string> instruction_sets();
void choose_instruction_set(const std::string& name);

}  // namespace vfe::glm_kernel
