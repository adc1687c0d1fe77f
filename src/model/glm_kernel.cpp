#include "model/glm_kernel.hpp"

#include <algorithm>
#include <cstdint>
#include <new>
#include <type_traits>
#include <vector>

// Three instruction sets on x86: plain code, AVX2 and AVX-512; those between gain nothing here. Scalable
// vectors have no size at compile time.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/glm_kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "model/glm_cells-inl.hpp"
#include "model/glm_products-inl.hpp"
#include "model/glm_rows-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace vfe::glm_kernel::HWY_NAMESPACE {

enum Purpose : std::size_t {
  x_memory,
  eta_memory,
  row_memory,
  cell_memory,
  theta_memory,
  grad_memory,
  sum_memory
};

// The value of a row left over by the panels, or in one, in a column of x.
template <class T>
double number_at(const Task& task, const T* x, Index row, Index column) {
  const Index columns = task.terms->num_columns(), in_panel = row % panel_rows, first = row - in_panel;
  const bool packed = first + panel_rows <= task.rows;
  return static_cast<double>(
      x[first * columns + (packed ? column * panel_rows + in_panel : in_panel * columns + column)]);
}

// Places and numbers of the rows of a tile. One place more than there are coefficients takes rows without.
template <class T>
void load_cells(const Task& task, const T* x, const Tile& tile, const TileCells& out) {
  const Terms& terms = *task.terms;
  const Index n = tile.panels * panel_rows, products = terms.num_products();
  const auto none = static_cast<std::int32_t>(terms.num_coefficients());
  for (Index k = 0; k < products; ++k) {
    const CellProduct& product = terms.products[static_cast<std::size_t>(k)];
    const auto first = static_cast<std::int32_t>(product.first);
    const auto step = static_cast<std::int32_t>(product.step);
    const std::int32_t* cells =
        product.index < 0 ? nullptr : task.cells + product.index * task.rows + tile.first;
    for (Index i = 0; i < n; ++i) {
      const std::int32_t cell = i >= tile.rows ? -1 : cells == nullptr ? 0 : cells[i];
      out.places[i * products + k] = cell < 0 ? none : first + cell * step;
    }
    if (product.number < 0) continue;
    const Index numbered = products - terms.without_number;
    double* to = out.numbers + (k - terms.without_number);
    for (Index i = 0; i < n; ++i) {
      to[i * numbered] = i < tile.rows ? number_at(task, x, tile.first + i, product.number) : 0.0;
    }
  }
}

// Rows of panels [tile.first / 8, ...), columns [begin, begin + width), as doubles: [panel, column, 8].
template <class T>
void load_chunk(const Task& task, const T* x, const Tile& tile, Index begin, Index width, double* out) {
  const hn::Rebind<T, Lanes> stored;
  const Index columns = task.terms->num_columns();
  for (Index p = 0; p < tile.panels; ++p) {
    const Index row = tile.first + p * panel_rows, left = task.rows - row;
    const T* panel = x + row * columns;
    double* to = out + p * width * panel_rows;
    if (left >= panel_rows) {
      for (Index i = 0; i < width * panel_rows; i += lane_count) {
        const auto v = hn::LoadU(stored, panel + begin * panel_rows + i);
        if constexpr (sizeof(T) == sizeof(double)) {
          hn::Store(v, lanes, to + i);
        } else {
          hn::Store(hn::PromoteTo(lanes, v), lanes, to + i);
        }
      }
    } else {
      for (Index j = 0; j < width; ++j) {
        for (Index i = 0; i < panel_rows; ++i) {
          to[j * panel_rows + i] = i < left ? static_cast<double>(panel[i * columns + begin + j]) : 0.0;
        }
      }
    }
  }
}

// Linear predictors are worked on in groups of 8, 4, 2 and 1.
Index group_size(Index left) {
  return left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

class Evaluation {
 public:
  Evaluation(const Task& task, Workspace& workspace)
      : task_(task),
        terms_(*task.terms),
        packed_(terms_.num_coefficients() + 1),
        predictors_(task.draws * task.classes),
        wants_grad_(task.grad != nullptr) {
    const Index chunks = std::max<Index>(1, (terms_.dense + chunk_columns - 1) / chunk_columns);
    width_ = (terms_.dense + chunks - 1) / chunks;
    num_chunks_ = width_ == 0 ? 0 : (terms_.dense + width_ - 1) / width_;
    draws_at_once_ = std::max<Index>(1, 32 / task.classes);
    x_ = workspace.request(x_memory, tile_rows * width_);
    eta_ = workspace.request(eta_memory, draws_at_once_ * task.classes * tile_rows);
    double* rows = workspace.request(row_memory, 6 * tile_rows);
    tile_.y = rows;
    tile_.weight = rows + tile_rows;
    tile_.offset = rows + 2 * tile_rows;
    tile_.row_value = rows + 3 * tile_rows;
    tile_.power = rows + 4 * tile_rows;
    tile_.beside = rows + 5 * tile_rows;
    // Places are half as wide as numbers.
    const Index products = terms_.num_products(), numbered = products - terms_.without_number;
    cells_.numbers = workspace.request(cell_memory, tile_rows * (numbered + (products + 1) / 2));
    cells_.places = reinterpret_cast<std::int32_t*>(cells_.numbers + tile_rows * numbered);
    coefficients_ = workspace.request(theta_memory, predictors_ * packed_);
    grad_ = workspace.request(grad_memory, wants_grad_ ? predictors_ * packed_ : 0);
    const Index num_sums = (3 * task.draws + predictors_) * panel_rows;
    sums_.value = workspace.request(sum_memory, num_sums);
    sums_.scale = sums_.value + task.draws * panel_rows;
    sums_.residual = sums_.value + 3 * task.draws * panel_rows;
    std::fill_n(sums_.value, num_sums, 0.0);
  }

  void run() {
    pack_coefficients();
    for (tile_.first = 0; tile_.first < task_.rows; tile_.first += tile_rows) {
      load_rows();
      for (Index draw = 0; draw < task_.draws; draw += draws_at_once_) {
        run_draws(draw, std::min(draws_at_once_, task_.draws - draw));
      }
    }
    add_results();
  }

 private:
  const double* theta(Index predictor) const {
    return task_.theta + predictor / task_.classes * task_.theta_stride;
  }
  Index first_coefficient(Index predictor) const {
    return task_.coefficient_begin + predictor % task_.classes * terms_.num_coefficients();
  }

  // [group][coefficient, group size], with a 0 at the end for cells without.
  void pack_coefficients() {
    for (Index p = 0, size = 0; p < predictors_; p += size) {
      size = group_size_at(p);
      for (Index i = 0; i < size; ++i) {
        const double* from = theta(p + i) + first_coefficient(p + i);
        double* to = coefficients_ + p * packed_ + i;
        for (const Index j : terms_.coefficients) {
          *to = from[j];
          to += size;
        }
        *to = 0.0;
      }
    }
    if (wants_grad_) std::fill_n(grad_, predictors_ * packed_, 0.0);
  }

  // Groups do not straddle the draws that are worked on together.
  Index group_size_at(Index predictor) const {
    const Index together = draws_at_once_ * task_.classes;
    const Index end = std::min(predictors_, (predictor / together + 1) * together);
    return group_size(end - predictor);
  }

  void load_rows() {
    const Index n = tile_.rows = std::min(tile_rows, task_.rows - tile_.first);
    tile_.panels = (n + panel_rows - 1) / panel_rows;
    loaded_ = -1;
    const auto load = [&](const double* from, double otherwise, double* to) {
      if (from == nullptr) {
        std::fill_n(to, n, otherwise);
      } else {
        std::copy_n(from + tile_.first, n, to);
      }
      std::fill(to + n, to + tile_.panels * panel_rows, 0.0);
    };
    load(task_.y, 0.0, tile_.y);
    load(task_.beside, 0.0, tile_.beside);
    load(task_.weight, 1.0, tile_.weight);
    load(task_.offset, 0.0, tile_.offset);
    if (terms_.products.empty()) return;
    if (task_.x_single != nullptr) {
      load_cells(task_, task_.x_single, tile_, cells_);
    } else {
      load_cells(task_, task_.x_double, tile_, cells_);
    }
  }

  void load(Index chunk) {
    if (loaded_ == chunk) return;
    loaded_ = chunk;
    if (task_.x_single != nullptr) {
      load_chunk(task_, task_.x_single, tile_, chunk * width_, chunk_width(chunk), x_);
    } else {
      load_chunk(task_, task_.x_double, tile_, chunk * width_, chunk_width(chunk), x_);
    }
  }
  Index chunk_width(Index chunk) const { return std::min(width_, terms_.dense - chunk * width_); }

  void run_draws(Index first_draw, Index count) {
    const Index begin = first_draw * task_.classes, end = (first_draw + count) * task_.classes;
    for (Index p = begin; p < end; ++p) {
      const double intercept =
          task_.intercept_begin < 0 ? 0.0 : theta(p)[task_.intercept_begin + p % task_.classes];
      double* eta = eta_ + (p - begin) * tile_rows;
      for (Index i = 0; i < tile_.panels * panel_rows; i += lane_count) {
        hn::Store(hn::Add(hn::Load(lanes, tile_.offset + i), constant(intercept)), lanes, eta + i);
      }
    }
    for (Index chunk = 0; chunk < num_chunks_; ++chunk) {
      load(chunk);
      for (Index p = begin; p < end; p += group_size_at(p)) predict(chunk, p, eta_ + (p - begin) * tile_rows);
    }
    if (!terms_.products.empty()) {
      for (Index p = begin; p < end; p += group_size_at(p)) add_cells(p, eta_ + (p - begin) * tile_rows);
    }
    if (task_.linear_predictor != nullptr) {
      for (Index p = begin; p < end; ++p) {
        std::copy_n(eta_ + (p - begin) * tile_rows, tile_.rows,
                    task_.linear_predictor + p * task_.rows + tile_.first);
      }
    }
    if (task_.value == nullptr && task_.row_value == nullptr) return;
    for (Index draw = first_draw; draw < first_draw + count; ++draw) {
      evaluate_draw(task_, tile_, draw, eta_ + (draw - first_draw) * task_.classes * tile_rows, sums_);
      if (task_.row_value != nullptr) {
        std::copy_n(tile_.row_value, tile_.rows, task_.row_value + draw * task_.rows + tile_.first);
      }
    }
    if (!wants_grad_) return;
    if (!terms_.products.empty()) {
      for (Index p = begin; p < end; p += group_size_at(p)) {
        differentiate_cells(p, eta_ + (p - begin) * tile_rows);
      }
    }
    // From the last chunk, which is still loaded, to the first.
    for (Index chunk = num_chunks_ - 1; chunk >= 0; --chunk) {
      load(chunk);
      for (Index p = begin; p < end; p += group_size_at(p)) {
        differentiate(chunk, p, eta_ + (p - begin) * tile_rows);
      }
    }
  }

  // Calls f with the size of the group at p, known at compile time.
  template <class F>
  void with_size(Index p, F f) const {
    switch (group_size_at(p)) {
      case 8:
        return f(std::integral_constant<int, 8>());
      case 4:
        return f(std::integral_constant<int, 4>());
      case 2:
        return f(std::integral_constant<int, 2>());
      default:
        return f(std::integral_constant<int, 1>());
    }
  }

  void predict(Index chunk, Index p, double* eta) {
    with_size(p, [&](auto size) HWY_ATTR {
      const double* coefficients = coefficients_ + p * packed_ + chunk * width_ * size;
      predict_group<size>(x_, chunk_width(chunk), tile_.panels, coefficients, eta);
    });
  }

  void add_cells(Index p, double* eta) {
    with_size(p, [&](auto size) HWY_ATTR {
      predict_cells<size>(terms_, cells_, tile_.panels, coefficients_ + p * packed_, eta);
    });
  }

  void differentiate(Index chunk, Index p, const double* residual) {
    with_size(p, [&](auto size) HWY_ATTR {
      double* grad = grad_ + p * packed_ + chunk * width_ * size;
      gradient_group<size>(x_, chunk_width(chunk), tile_.panels, residual, grad, size);
    });
  }

  void differentiate_cells(Index p, const double* residual) {
    with_size(p, [&](auto size) HWY_ATTR {
      cells_gradient<size>(terms_, cells_, tile_.panels, residual, grad_ + p * packed_);
    });
  }

  void add_results() {
    for (Index draw = 0; draw < task_.draws; ++draw) {
      if (task_.value != nullptr) task_.value[draw] += sum_lanes(sums_.value + draw * panel_rows);
      for (Index i = 2 * draw; task_.scale_grad != nullptr && i < 2 * draw + 2; ++i) {
        task_.scale_grad[i] += sum_lanes(sums_.scale + i * panel_rows);
      }
    }
    if (!wants_grad_) return;
    for (Index p = 0, size = 0; p < predictors_; p += size) {
      size = group_size_at(p);
      for (Index i = 0; i < size; ++i) {
        double* to = task_.grad + (p + i) / task_.classes * task_.grad_stride;
        if (task_.intercept_begin >= 0) {
          to[task_.intercept_begin + (p + i) % task_.classes] +=
              sum_lanes(sums_.residual + (p + i) * panel_rows);
        }
        to += first_coefficient(p + i);
        const double* from = grad_ + p * packed_ + i;
        for (const Index j : terms_.coefficients) {
          to[j] += *from;
          from += size;
        }
      }
    }
  }

  const Task& task_;
  const Terms& terms_;
  Index packed_;  // places of coefficients of a predictor
  Index predictors_;
  bool wants_grad_;
  Index width_ = 0, num_chunks_ = 0, draws_at_once_ = 1, loaded_ = -1;
  double *x_ = nullptr, *eta_ = nullptr, *coefficients_ = nullptr, *grad_ = nullptr;
  Tile tile_;
  TileCells cells_;
  LaneSums sums_;
};

void evaluate(const Task& task, Workspace& workspace) {
  Evaluation(task, workspace).run();
}

const char* target_name() {
  return hwy::TargetName(HWY_TARGET);
}

}  // namespace vfe::glm_kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace vfe::glm_kernel {

template <class T>
void pack_panels(T* x, Index rows, Index columns) {
  std::vector<T> packed(static_cast<std::size_t>(panel_rows * columns));
  for (Index row = 0; row + panel_rows <= rows; row += panel_rows) {
    T* panel = x + row * columns;
    for (Index i = 0; i < panel_rows; ++i) {
      for (Index j = 0; j < columns; ++j) packed[j * panel_rows + i] = panel[i * columns + j];
    }
    std::copy(packed.begin(), packed.end(), panel);
  }
}
template void pack_panels(float*, Index, Index);
template void pack_panels(double*, Index, Index);

double* Workspace::request(std::size_t purpose, Index n) {
  if (size_[purpose] < n) {
    memory_[purpose] = hwy::AllocateAligned<double>(static_cast<std::size_t>(n));
    if (!memory_[purpose]) throw std::bad_alloc();
    size_[purpose] = n;
  }
  return memory_[purpose].get();
}

HWY_EXPORT(evaluate);
HWY_EXPORT(target_name);

void evaluate(const Task& task, Workspace& workspace) {
  HWY_DYNAMIC_DISPATCH(evaluate)(task, workspace);
}

std::string instruction_set() {
  return HWY_DYNAMIC_DISPATCH(target_name)();
}

std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    names.push_back(hwy::TargetName(target));
  }
  return names;
}

void choose_instruction_set(const std::string& name) {
  hwy::SetSupportedTargetsForTest(0);
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (name != hwy::TargetName(target)) continue;
    hwy::SetSupportedTargetsForTest(target);
    break;
  }
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace vfe::glm_kernel
#endif
