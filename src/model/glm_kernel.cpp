#include "model/glm_kernel.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <new>
#include <numbers>
#include <vector>

#include "vfe/core/special.hpp"

// Three instruction sets on x86: plain code, AVX2 and AVX-512; those between gain nothing here. Scalable
// vectors have no size at compile time.
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "model/glm_kernel.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "model/glm_elementwise-inl.hpp"
#include "model/glm_products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace vfe::glm_kernel::HWY_NAMESPACE {

enum Purpose : std::size_t { x_memory, eta_memory, row_memory, theta_memory, grad_memory, sum_memory };

/// One tile of rows and what the kernels need of it. Rows beyond the block's last are padded with x = y = 0
/// and weight 0.
struct Tile {
  Index first = 0, rows = 0, panels = 0;
  double *y = nullptr, *weight = nullptr, *offset = nullptr, *row_value = nullptr, *power = nullptr;
};

/// Sums over rows, 8 lanes each, kept from tile to tile.
struct LaneSums {
  double *value = nullptr, *residual = nullptr, *scale = nullptr;  // [draw], [predictor], [draw, 2]
};

// Rows of panels [tile.first / 8, ...), columns [begin, begin + width), as doubles: [panel, column, 8].
template <class T>
void load_chunk(const Task& task, const T* x, const Tile& tile, Index begin, Index width, double* out) {
  const hn::Rebind<T, Lanes> stored;
  for (Index p = 0; p < tile.panels; ++p) {
    const Index row = tile.first + p * panel_rows, left = task.rows - row;
    const T* panel = x + row * task.columns;
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
          to[j * panel_rows + i] = i < left ? static_cast<double>(panel[i * task.columns + begin + j]) : 0.0;
        }
      }
    }
  }
}

// Runs f over a tile for one draw: eta becomes the weighted residual, sums are added to.
template <class F>
void evaluate_rows(const Task& task, const Tile& tile, Index draw, double* eta, const LaneSums& sums) {
  const F f(task.constants[draw]);
  if constexpr (F::has_power) {
    for (Index i = 0; i < tile.panels * panel_rows; i += lane_count) {
      hn::Store(f.power(hn::Load(lanes, eta + i)), lanes, tile.power + i);
    }
  }
  double* value_lanes = sums.value + draw * panel_rows;
  double* residual_lanes = sums.residual + draw * panel_rows;
  double* scale_lanes = sums.scale + draw * 2 * panel_rows;
  for (Index part = 0; part < parts; ++part) {
    const Index at = part * lane_count;
    Real value = hn::Load(lanes, value_lanes + at), residual = hn::Load(lanes, residual_lanes + at);
    Real first = hn::Load(lanes, scale_lanes + at), second = hn::Load(lanes, scale_lanes + panel_rows + at);
    for (Index i = at; i < tile.panels * panel_rows; i += panel_rows) {
      const Row row =
          f(hn::Load(lanes, eta + i), hn::Load(lanes, tile.y + i), hn::Load(lanes, tile.power + i));
      // A row of weight 0 counts for nothing even where its density is 0.
      const Real weight = hn::Load(lanes, tile.weight + i);
      const auto counts = hn::Ne(weight, hn::Zero(lanes));
      const Real row_value = hn::IfThenElseZero(counts, hn::Mul(weight, row.value));
      const Real row_residual = hn::IfThenElseZero(counts, hn::Mul(weight, row.residual));
      hn::Store(row_residual, lanes, eta + i);
      hn::Store(row_value, lanes, tile.row_value + i);
      value = hn::Add(value, row_value);
      residual = hn::Add(residual, row_residual);
      if constexpr (F::num_scales > 0) {
        first = hn::Add(first, hn::IfThenElseZero(counts, hn::Mul(weight, row.first)));
      }
      if constexpr (F::num_scales > 1) {
        second = hn::Add(second, hn::IfThenElseZero(counts, hn::Mul(weight, row.second)));
      }
    }
    hn::Store(value, lanes, value_lanes + at);
    hn::Store(residual, lanes, residual_lanes + at);
    hn::Store(first, lanes, scale_lanes + at);
    hn::Store(second, lanes, scale_lanes + panel_rows + at);
  }
}

// The same for softmax, whose rows have a linear predictor per class: eta is [class][tile_rows].
void evaluate_softmax(const Task& task, const Tile& tile, Index draw, double* eta, const LaneSums& sums) {
  double* value_lanes = sums.value + draw * panel_rows;
  for (Index i = 0; i < tile.panels * panel_rows; i += lane_count) {
    const Index at = i % panel_rows;
    const Real y = hn::Load(lanes, tile.y + i), weight = hn::Load(lanes, tile.weight + i);
    const auto counts = hn::Ne(weight, hn::Zero(lanes));
    Real largest = hn::Zero(lanes), chosen = hn::Zero(lanes);  // the reference class has eta = 0
    for (Index k = 0; k < task.classes; ++k) {
      const Real v = hn::Load(lanes, eta + k * tile_rows + i);
      largest = hn::Max(largest, v);
      chosen = hn::IfThenElse(hn::Eq(y, constant(static_cast<double>(k + 1))), v, chosen);
    }
    Real sum = exp_nonpositive(hn::Neg(largest));
    for (Index k = 0; k < task.classes; ++k) {
      const Real e = exp_nonpositive(hn::Sub(hn::Load(lanes, eta + k * tile_rows + i), largest));
      hn::Store(e, lanes, eta + k * tile_rows + i);
      sum = hn::Add(sum, e);
    }
    // Highway's log turns NaN into a number.
    const Real log_sum = hn::IfThenElse(hn::Eq(sum, sum), hn::Log(lanes, sum), sum);
    const Real row_value =
        hn::IfThenElseZero(counts, hn::Mul(weight, hn::Sub(hn::Sub(chosen, largest), log_sum)));
    hn::Store(row_value, lanes, tile.row_value + i);
    hn::Store(hn::Add(hn::Load(lanes, value_lanes + at), row_value), lanes, value_lanes + at);
    const Real inverse = hn::Div(constant(1.0), sum);
    for (Index k = 0; k < task.classes; ++k) {
      const auto observed = hn::Eq(y, constant(static_cast<double>(k + 1)));
      const Real e = hn::Load(lanes, eta + k * tile_rows + i);
      const Real residual = hn::NegMulAdd(e, inverse, hn::IfThenElseZero(observed, constant(1.0)));
      const Real weighted = hn::IfThenElseZero(counts, hn::Mul(weight, residual));
      hn::Store(weighted, lanes, eta + k * tile_rows + i);
      double* residual_lanes = sums.residual + (draw * task.classes + k) * panel_rows + at;
      hn::Store(hn::Add(hn::Load(lanes, residual_lanes), weighted), lanes, residual_lanes);
    }
  }
}

void evaluate_draw(const Task& task, const Tile& tile, Index draw, double* eta, const LaneSums& sums) {
  switch (task.likelihood) {
    case Likelihood::linear:
      return evaluate_rows<Linear>(task, tile, draw, eta, sums);
    case Likelihood::student_t:
      return evaluate_rows<StudentT>(task, tile, draw, eta, sums);
    case Likelihood::logistic:
      return evaluate_rows<Logistic>(task, tile, draw, eta, sums);
    case Likelihood::poisson:
      return evaluate_rows<Poisson>(task, tile, draw, eta, sums);
    case Likelihood::negative_binomial:
      return evaluate_rows<NegativeBinomial>(task, tile, draw, eta, sums);
    case Likelihood::softmax:
      return evaluate_softmax(task, tile, draw, eta, sums);
  }
}

// Linear predictors are worked on in groups of 8, 4, 2 and 1.
Index group_size(Index left) {
  return left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

class Evaluation {
 public:
  Evaluation(const Task& task, Workspace& workspace)
      : task_(task), predictors_(task.draws * task.classes), wants_grad_(task.grad != nullptr) {
    const Index chunks = std::max<Index>(1, (task.columns + chunk_columns - 1) / chunk_columns);
    width_ = (task.columns + chunks - 1) / chunks;
    num_chunks_ = width_ == 0 ? 0 : (task.columns + width_ - 1) / width_;
    draws_at_once_ = std::max<Index>(1, 32 / task.classes);
    x_ = workspace.request(x_memory, tile_rows * width_);
    eta_ = workspace.request(eta_memory, draws_at_once_ * task.classes * tile_rows);
    double* rows = workspace.request(row_memory, 5 * tile_rows);
    tile_.y = rows;
    tile_.weight = rows + tile_rows;
    tile_.offset = rows + 2 * tile_rows;
    tile_.row_value = rows + 3 * tile_rows;
    tile_.power = rows + 4 * tile_rows;
    coefficients_ = workspace.request(theta_memory, predictors_ * task.columns);
    grad_ = workspace.request(grad_memory, wants_grad_ ? predictors_ * task.columns : 0);
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
    return task_.coefficient_begin + predictor % task_.classes * task_.columns;
  }

  // [group][column, group size]
  void pack_coefficients() {
    for (Index p = 0, size = 0; p < predictors_; p += size) {
      size = group_size_at(p);
      for (Index i = 0; i < size; ++i) {
        const double* from = theta(p + i) + first_coefficient(p + i);
        double* to = coefficients_ + p * task_.columns + i;
        for (Index j = 0; j < task_.columns; ++j) to[j * size] = from[j];
      }
    }
    if (wants_grad_) std::fill_n(grad_, predictors_ * task_.columns, 0.0);
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
    load(task_.weight, 1.0, tile_.weight);
    load(task_.offset, 0.0, tile_.offset);
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
  Index chunk_width(Index chunk) const { return std::min(width_, task_.columns - chunk * width_); }

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
    // From the last chunk, which is still loaded, to the first.
    for (Index chunk = num_chunks_ - 1; chunk >= 0; --chunk) {
      load(chunk);
      for (Index p = begin; p < end; p += group_size_at(p)) {
        differentiate(chunk, p, eta_ + (p - begin) * tile_rows);
      }
    }
  }

  void predict(Index chunk, Index p, double* eta) {
    const Index size = group_size_at(p), width = chunk_width(chunk);
    const double* coefficients = coefficients_ + p * task_.columns + chunk * width_ * size;
    switch (size) {
      case 8:
        return predict_group<8>(x_, width, tile_.panels, coefficients, eta);
      case 4:
        return predict_group<4>(x_, width, tile_.panels, coefficients, eta);
      case 2:
        return predict_group<2>(x_, width, tile_.panels, coefficients, eta);
      default:
        return predict_group<1>(x_, width, tile_.panels, coefficients, eta);
    }
  }

  void differentiate(Index chunk, Index p, const double* residual) {
    const Index size = group_size_at(p), width = chunk_width(chunk);
    double* grad = grad_ + p * task_.columns + chunk * width_ * size;
    switch (size) {
      case 8:
        return gradient_group<8>(x_, width, tile_.panels, residual, grad, size);
      case 4:
        return gradient_group<4>(x_, width, tile_.panels, residual, grad, size);
      case 2:
        return gradient_group<2>(x_, width, tile_.panels, residual, grad, size);
      default:
        return gradient_group<1>(x_, width, tile_.panels, residual, grad, size);
    }
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
        const double* from = grad_ + p * task_.columns + i;
        for (Index j = 0; j < task_.columns; ++j) to[j] += from[j * size];
      }
    }
  }

  const Task& task_;
  Index predictors_;
  bool wants_grad_;
  Index width_ = 0, num_chunks_ = 0, draws_at_once_ = 1, loaded_ = -1;
  double *x_ = nullptr, *eta_ = nullptr, *coefficients_ = nullptr, *grad_ = nullptr;
  Tile tile_;
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

DrawConstants linear_constants(double sigma) {
  DrawConstants c;
  c.log_density = -std::log(sigma) - 0.5 * std::log(2.0 * std::numbers::pi);
  c.inverse_sigma = 1.0 / sigma;
  return c;
}

DrawConstants student_t_constants(double sigma, double nu) {
  DrawConstants c;
  c.nu = nu;
  c.half_nu_plus_one = 0.5 * (nu + 1.0);
  c.inverse_sigma = 1.0 / (sigma * std::sqrt(nu));
  c.log_density =
      special::log_gamma_difference(0.5 * nu, 0.5) - 0.5 * std::log(nu * std::numbers::pi) - std::log(sigma);
  c.nu_slope = 0.5 * nu * special::digamma_difference(0.5 * nu, 0.5) - 0.5;
  return c;
}

DrawConstants negative_binomial_constants(double log_overdispersion) {
  DrawConstants c;
  // Beyond this the likelihood has long reached its limit, and r would overflow.
  c.log_overdispersion = std::clamp(log_overdispersion, -700.0, 700.0);
  c.r = std::exp(-c.log_overdispersion);
  c.shift = c.r >= special::asymptotic_from ? 0 : static_cast<int>(std::ceil(special::asymptotic_from - c.r));
  c.raised_r = c.r + c.shift;
  c.log_raise = c.shift == 0 ? 0.0 : std::log(c.raised_r) + c.log_overdispersion;
  for (int k = 0; k < c.shift; ++k) {
    c.log_rising += std::log(c.r + k);
    c.rising_slope += 1.0 / (c.r + k);
  }
  c.log_gamma_remainder = special::log_gamma_remainder(c.raised_r);
  c.digamma_remainder = special::digamma_remainder(c.raised_r);
  return c;
}

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
