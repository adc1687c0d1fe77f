// Products with the coefficients of cells, where the coefficients of a group of D linear predictors stand
// side by side: what a row's cell is times is one vector, whatever cell it is. Compiled once per instruction
// set, hence the guard that Highway toggles.
#if defined(VFE_MODEL_GLM_CELLS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef VFE_MODEL_GLM_CELLS_INL_HPP
#undef VFE_MODEL_GLM_CELLS_INL_HPP
#else
#define VFE_MODEL_GLM_CELLS_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstdint>

#include "model/glm_kernel.hpp"
#include "model/glm_products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace vfe::glm_kernel::HWY_NAMESPACE {

/// Of the rows of a tile: where their coefficients are and what they are times.
struct TileCells {
  std::int32_t* places = nullptr;  // [row, product]
  double* numbers = nullptr;       // [row, product with a number]
};

/// The predictors of a group as one vector or several.
template <int D>
struct Group {
  using Tag = hn::CappedTag<double, D>;
  using V = hn::Vec<Tag>;
  static constexpr Tag tag{};
  static constexpr int width = static_cast<int>(hn::MaxLanes(tag));
  static constexpr int vectors = D / width;
};

#if HWY_MAX_BYTES >= 32
// Four vectors of four, turned.
HWY_INLINE void turn4(const double* from, Index from_stride, double* to, Index to_stride) {
  const hn::CappedTag<double, 4> tag;
  const auto a = hn::LoadU(tag, from), b = hn::LoadU(tag, from + from_stride);
  const auto c = hn::LoadU(tag, from + 2 * from_stride), d = hn::LoadU(tag, from + 3 * from_stride);
  const auto ab = hn::InterleaveLower(tag, a, b), ab_upper = hn::InterleaveUpper(tag, a, b);
  const auto cd = hn::InterleaveLower(tag, c, d), cd_upper = hn::InterleaveUpper(tag, c, d);
  hn::StoreU(hn::ConcatLowerLower(tag, cd, ab), tag, to);
  hn::StoreU(hn::ConcatLowerLower(tag, cd_upper, ab_upper), tag, to + to_stride);
  hn::StoreU(hn::ConcatUpperUpper(tag, cd, ab), tag, to + 2 * to_stride);
  hn::StoreU(hn::ConcatUpperUpper(tag, cd_upper, ab_upper), tag, to + 3 * to_stride);
}
#endif

// to[j, i] = from[i, j] for i < Rows and j < Columns.
template <int Rows, int Columns>
HWY_INLINE void turn(const double* from, Index from_stride, double* to, Index to_stride) {
#if HWY_MAX_BYTES >= 32
  if constexpr (Rows % 4 == 0 && Columns % 4 == 0) {
    for (int i = 0; i < Rows; i += 4) {
      for (int j = 0; j < Columns; j += 4) {
        turn4(from + i * from_stride + j, from_stride, to + j * to_stride + i, to_stride);
      }
    }
    return;
  }
#endif
  for (int i = 0; i < Rows; ++i) {
    for (int j = 0; j < Columns; ++j) to[j * to_stride + i] = from[i * from_stride + j];
  }
}

// eta[D][tile_rows] += what the cells of the rows give, itself added up in the order of the products.
template <int D>
void predict_cells(const Terms& terms, const TileCells& cells, Index panels, const double* coefficients,
                   double* eta) {
  using G = Group<D>;
  constexpr int at_once = many_registers || D < 8 ? 8 : 4;  // rows
  const Index plain = terms.without_number, numbered = terms.num_products() - plain;
  HWY_ALIGN double sums[panel_rows * D], turned[panel_rows * D];
  for (Index row = 0; row < panels * panel_rows; row += panel_rows) {
    for (int part = 0; part < panel_rows; part += at_once) {
      typename G::V sum[at_once][G::vectors];
      const std::int32_t* places[at_once];
      const double* numbers = cells.numbers + (row + part) * numbered;
      HWY_UNROLL(8) for (int i = 0; i < at_once; ++i) {
        places[i] = cells.places + (row + part + i) * (plain + numbered);
        HWY_UNROLL(8) for (int v = 0; v < G::vectors; ++v) sum[i][v] = hn::Zero(G::tag);
      }
      const auto coefficient = [&](int i, Index k, int v) HWY_ATTR {
        return hn::LoadU(G::tag, coefficients + Index{places[i][k]} * D + v * G::width);
      };
      for (Index k = 0; k < plain; ++k) {
        HWY_UNROLL(8) for (int i = 0; i < at_once; ++i) {
          HWY_UNROLL(8) for (int v = 0; v < G::vectors; ++v) {
            sum[i][v] = hn::Add(sum[i][v], coefficient(i, k, v));
          }
        }
      }
      for (Index k = 0; k < numbered; ++k) {
        HWY_UNROLL(8) for (int i = 0; i < at_once; ++i) {
          const auto number = hn::Set(G::tag, numbers[i * numbered + k]);
          HWY_UNROLL(8) for (int v = 0; v < G::vectors; ++v) {
            sum[i][v] = hn::MulAdd(number, coefficient(i, plain + k, v), sum[i][v]);
          }
        }
      }
      HWY_UNROLL(8) for (int i = 0; i < at_once; ++i) {
        HWY_UNROLL(8) for (int v = 0; v < G::vectors; ++v) {
          hn::StoreU(sum[i][v], G::tag, sums + (part + i) * D + v * G::width);
        }
      }
    }
    turn<panel_rows, D>(sums, D, turned, panel_rows);
    for (int d = 0; d < D; ++d) {
      double* to = eta + d * tile_rows + row;
      for (Index i = 0; i < panel_rows; i += lane_count) {
        const Real given = hn::LoadU(lanes, turned + d * panel_rows + i);
        hn::Store(hn::Add(hn::Load(lanes, to + i), given), lanes, to + i);
      }
    }
  }
}

// grad[coefficient, D] += the residuals of the rows of each cell times their numbers, row after row.
template <int D>
void cells_gradient(const Terms& terms, const TileCells& cells, Index panels, const double* residual,
                    double* grad) {
  using G = Group<D>;
  const Index plain = terms.without_number, numbered = terms.num_products() - plain;
  HWY_ALIGN double turned[panel_rows * D];
  for (Index row = 0; row < panels * panel_rows; row += panel_rows) {
    turn<D, panel_rows>(residual + row, tile_rows, turned, D);
    for (int i = 0; i < panel_rows; ++i) {
      const std::int32_t* places = cells.places + (row + i) * (plain + numbered);
      const double* numbers = cells.numbers + (row + i) * numbered;
      typename G::V slope[G::vectors];
      HWY_UNROLL(8) for (int v = 0; v < G::vectors; ++v) {
        slope[v] = hn::LoadU(G::tag, turned + i * D + v * G::width);
      }
      for (Index k = 0; k < plain; ++k) {
        double* to = grad + Index{places[k]} * D;
        HWY_UNROLL(8) for (int v = 0; v < G::vectors; ++v, to += G::width) {
          hn::StoreU(hn::Add(hn::LoadU(G::tag, to), slope[v]), G::tag, to);
        }
      }
      for (Index k = 0; k < numbered; ++k) {
        double* to = grad + Index{places[plain + k]} * D;
        const auto number = hn::Set(G::tag, numbers[k]);
        HWY_UNROLL(8) for (int v = 0; v < G::vectors; ++v, to += G::width) {
          hn::StoreU(hn::MulAdd(number, slope[v], hn::LoadU(G::tag, to)), G::tag, to);
        }
      }
    }
  }
}

}  // namespace vfe::glm_kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
