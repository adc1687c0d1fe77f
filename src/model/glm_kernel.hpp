#pragma once
#include <hwy/aligned_allocator.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "model/glm_constants.hpp"
#include "model/glm_terms.hpp"
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

/// Memory of one thread, kept from call to call.
class Workspace {
 public:
  /// n doubles, aligned, contents undefined, valid until the next request for the same purpose.
  double* request(std::size_t purpose, Index n);

 private:
  static constexpr std::size_t num_purposes = 7;
  hwy::AlignedFreeUniquePtr<double[]> memory_[num_purposes];
  Index size_[num_purposes] = {};
};

/// One evaluation. Pointers to results may be null where the result is not wanted.
struct Task {
  Likelihood likelihood = Likelihood::linear;
  Index rows = 0;
  const Terms* terms = nullptr;
  const float* x_single = nullptr;  ///< in the order of the terms, packed; this or x_double
  const double* x_double = nullptr;
  const std::int32_t* cells = nullptr;  ///< [index, row]; -1: no coefficient
  const double* y = nullptr;
  const double* beside = nullptr;  ///< trials, censoring or log(1 - y); null: 0
  const double* offset = nullptr;  ///< null: 0
  const double* weight = nullptr;  ///< null: 1

  Index draws = 0;
  Index classes = 1;              ///< linear predictors of a draw: classes other than the reference
  const double* theta = nullptr;  ///< a draw is a column of this stride
  Index theta_stride = 0;
  Index intercept_begin = -1;                ///< in theta: [class]; -1 if there is none
  Index coefficient_begin = 0;               ///< in theta: [class, coefficient]
  const DrawConstants* constants = nullptr;  ///< of each draw

  double* value = nullptr;  ///< added to, [draw]
  double* grad = nullptr;   ///< added to: intercept and coefficients, a column of grad_stride a draw
  Index grad_stride = 0;
  double* scale_grad =
      nullptr;  ///< added to, [draw, 2]: by the coordinates of the scales, as traits() lists them
  /// Added to, [draw, 2, class], of ordinal: by the upper and the lower end of the class of a row, without
  /// the part of their distance.
  double* class_grad = nullptr;
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
