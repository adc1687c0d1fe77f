#include "vfe/infer/weigh.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "vfe/core/error.hpp"
#include "vfe/family/family.hpp"
#include "vfe/family/student.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/statistics/weights.hpp"

namespace vfe {
namespace {

constexpr double widest = 1e100;

class Weigh final : public Stage {
 public:
  Weigh(const Target& target, const WeighOptions& options) : target_(target), options_(options) {}

  std::string name() const override { return "weigh"; }
  void start(State& state) const override { state.drop(left::weighed); }

  Step advance(State& state) const override {
    const Student q{normal_map(state.lambda, target_.size())};
    refuse_unbounded(q.base);
    const Matrix theta = q.draw({.seed = options_.seed, .purpose = Purpose::weigh}, options_.draws);
    Vector value(options_.draws);
    Matrix no_gradient(target_.size(), 0);
    target_.log_joint(options_.batch, theta, value, no_gradient);
    state.put(left::weighed, value - q.log_density(theta));

    Step record;
    record.done = true;
    record.draws = options_.draws;
    record.rows = target_.num_rows(options_.batch);
    record.non_finite = options_.draws - value.array().isFinite().count();
    const double variance = weighed_variance(state);
    record.free_energy = -state.get(left::weighed).mean();
    record.std_error = std::sqrt(variance / static_cast<double>(options_.draws));
    record.note = fmt::format("variance of log weights {:.3g}", variance);
    return record;
  }

 private:
  /// Where the density is flat the fit widens q for ever.
  void refuse_unbounded(const Affine& q) const {
    for (Index i = 0; i < q.size(); ++i) {
      const double size = q.diagonal() ? q.scale(i, 0) : q.scale.row(i).norm();
      if (size < widest && std::isfinite(q.shift(i))) continue;
      throw Error(
          Fault::numeric,
          fmt::format("weighing draws of q: found a sd of {:.3g} in {}, expected less than {:.0e}: nothing "
                      "bounds the posterior there",
                      size, target_.parameters().unconstrained_name(i), widest));
    }
  }

  const Target& target_;
  WeighOptions options_;
};

}  // namespace

std::unique_ptr<Stage> weigh(const Target& target, const WeighOptions& options) {
  return std::make_unique<Weigh>(target, options);
}

double weighed_variance(const State& state) {
  const Vector log_weight = state.get(left::weighed);
  if (!log_weight.allFinite()) return std::numeric_limits<double>::infinity();
  return weights_of(log_weight, "weighing q").variance;
}

}  // namespace vfe
