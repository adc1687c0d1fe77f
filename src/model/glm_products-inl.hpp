// Products of a tile of rows with coefficients and with residuals, in registers. Compiled once per
// instruction set, hence the guard that Highway toggles.
#if defined(VFE_MODEL_GLM_PRODUCTS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VFE_MODEL_GLM_PRODUCTS_INL_HPP
#undef VFE_MODEL_GLM_PRODUCTS_INL_HPP
#else
#define VFE_MODEL_GLM_PRODUCTS_INL_HPP
#endif

#include <hwy/highway.h>

#include <algorithm>

#include "model/glm_elementwise-inl.hpp"
#include "model/glm_kernel.hpp"

HWY_BEFORE_NAMESPACE();
namespace vfe::glm_kernel::HWY_NAMESPACE {

constexpr Index lane_count = static_cast<Index>(hn::MaxLanes(lanes));
constexpr Index parts = panel_rows / lane_count;  // vectors of a panel
constexpr bool many_registers = lane_count == 8;  // 32 of them, else 16

// eta[D][tile_rows] += x coefficients, for `Vectors` vectors of rows from vector `first` on. `coefficients`
// is [column, D]. Each entry is one chain of fused multiply-adds over the columns, whatever D and Vectors
// are.
template <int D, int Vectors>
HWY_INLINE void add_products(const double* x, Index width, Index first, const double* coefficients,
                             double* eta) {
  Real sum[Vectors][D];
  const double* rows[Vectors];
  HWY_UNROLL(16) for (int u = 0; u < Vectors; ++u) {
    const Index v = first + u;
    rows[u] = x + (v / parts) * width * panel_rows + (v % parts) * lane_count;
    HWY_UNROLL(16)
    for (int i = 0; i < D; ++i) sum[u][i] = hn::Load(lanes, eta + i * tile_rows + v * lane_count);
  }
  for (Index j = 0; j < width; ++j) {
    Real value[Vectors];
    HWY_UNROLL(16) for (int u = 0; u < Vectors; ++u) value[u] = hn::Load(lanes, rows[u] + j * panel_rows);
    HWY_UNROLL(16) for (int i = 0; i < D; ++i) {
      const Real coefficient = constant(coefficients[j * D + i]);
      HWY_UNROLL(16) for (int u = 0; u < Vectors; ++u) {
        sum[u][i] = hn::MulAdd(value[u], coefficient, sum[u][i]);
      }
    }
  }
  HWY_UNROLL(16) for (int u = 0; u < Vectors; ++u) {
    HWY_UNROLL(16) for (int i = 0; i < D; ++i) {
      hn::Store(sum[u][i], lanes, eta + i * tile_rows + (first + u) * lane_count);
    }
  }
}

template <int D>
void predict_group(const double* x, Index width, Index panels, const double* coefficients, double* eta) {
  constexpr int vectors = std::min<int>(8, (many_registers ? 16 : 8) / D);
  const Index count = panels * parts;
  Index v = 0;
  for (; v + vectors <= count; v += vectors) add_products<D, vectors>(x, width, v, coefficients, eta);
  for (; v < count; ++v) add_products<D, 1>(x, width, v, coefficients, eta);
}

// Sums of the 8 lanes at each of a, b, c, d: ((0 + 4) + (1 + 5)) + ((2 + 6) + (3 + 7)) for every vector
// width.
HWY_INLINE void sum_lanes(const double* a, const double* b, const double* c, const double* d, double* sums) {
#if HWY_MAX_BYTES >= 32
  const hn::CappedTag<double, 4> half;
  using Half = hn::Vec<decltype(half)>;
  const Half va = hn::Add(hn::Load(half, a), hn::Load(half, a + 4));
  const Half vb = hn::Add(hn::Load(half, b), hn::Load(half, b + 4));
  const Half vc = hn::Add(hn::Load(half, c), hn::Load(half, c + 4));
  const Half vd = hn::Add(hn::Load(half, d), hn::Load(half, d + 4));
  const Half ab = hn::Add(hn::InterleaveLower(half, va, vb), hn::InterleaveUpper(half, va, vb));
  const Half cd = hn::Add(hn::InterleaveLower(half, vc, vd), hn::InterleaveUpper(half, vc, vd));
  hn::StoreU(hn::Add(hn::ConcatLowerLower(half, cd, ab), hn::ConcatUpperUpper(half, cd, ab)), half, sums);
#else
  const double* from[4] = {a, b, c, d};
  for (int i = 0; i < 4; ++i) {
    const double* l = from[i];
    sums[i] = ((l[0] + l[4]) + (l[1] + l[5])) + ((l[2] + l[6]) + (l[3] + l[7]));
  }
#endif
}

HWY_INLINE double sum_lanes(const double* a) {
  double sums[4];
  sum_lanes(a, a, a, a, sums);
  return sums[0];
}

// grad[column, stride] += x' residual for J columns from `column` on and D draws.
template <int D, int J>
HWY_INLINE void add_gradient(const double* x, Index width, Index panels, Index column, const double* residual,
                             double* grad, Index stride) {
  HWY_ALIGN double partial[J * D * panel_rows];
  for (Index part = 0; part < parts; ++part) {
    Real sum[J][D];
    HWY_UNROLL(16) for (int j = 0; j < J; ++j) {
      HWY_UNROLL(16) for (int i = 0; i < D; ++i) sum[j][i] = hn::Zero(lanes);
    }
    const double* rows = x + column * panel_rows + part * lane_count;
    const double* slope = residual + part * lane_count;
    for (Index p = 0; p < panels; ++p, rows += width * panel_rows, slope += panel_rows) {
      Real value[J];
      HWY_UNROLL(16) for (int j = 0; j < J; ++j) value[j] = hn::Load(lanes, rows + j * panel_rows);
      HWY_UNROLL(16) for (int i = 0; i < D; ++i) {
        const Real r = hn::Load(lanes, slope + i * tile_rows);
        HWY_UNROLL(16) for (int j = 0; j < J; ++j) sum[j][i] = hn::MulAdd(value[j], r, sum[j][i]);
      }
    }
    HWY_UNROLL(16) for (int j = 0; j < J; ++j) {
      HWY_UNROLL(16) for (int i = 0; i < D; ++i) {
        hn::Store(sum[j][i], lanes, partial + (j * D + i) * panel_rows + part * lane_count);
      }
    }
  }
  for (int j = 0; j < J; ++j) {
    const double* from = partial + j * D * panel_rows;
    double* to = grad + (column + j) * stride;
    if constexpr (D % 4 == 0) {
      for (int i = 0; i < D; i += 4) {
        double sums[4];
        const double* l = from + i * panel_rows;
        sum_lanes(l, l + panel_rows, l + 2 * panel_rows, l + 3 * panel_rows, sums);
        for (int k = 0; k < 4; ++k) to[i + k] += sums[k];
      }
    } else {
      for (int i = 0; i < D; ++i) to[i] += sum_lanes(from + i * panel_rows);
    }
  }
}

template <int D>
void gradient_group(const double* x, Index width, Index panels, const double* residual, double* grad,
                    Index stride) {
  // With 16 registers eight draws do not fit beside two columns.
  if constexpr (D == 8 && !many_registers) {
    gradient_group<4>(x, width, panels, residual, grad, stride);
    gradient_group<4>(x, width, panels, residual + 4 * tile_rows, grad + 4, stride);
  } else {
    constexpr int columns = std::min<int>(8, (many_registers ? 24 : 12) / D);
    Index j = 0;
    for (; j + columns <= width; j += columns) {
      add_gradient<D, columns>(x, width, panels, j, residual, grad, stride);
    }
    for (; j < width; ++j) add_gradient<D, 1>(x, width, panels, j, residual, grad, stride);
  }
}

}  // namespace vfe::glm_kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
