#include <algorithm>
#include <cmath>
#include <vector>

#include "vfe/infer/left.hpp"
#include "vfe/statistics/weights.hpp"

namespace vfe {
namespace {

constexpr std::size_t most_strangers = 16;
constexpr double errors = 4.0, slack = 0.25;  // [nats]

/// Squared distance from a mode, in its own sds, beyond which one particle of a thousand belongs to it if it
/// is normal.
double far(Index d) {
  const auto dimension = static_cast<double>(d);
  return dimension + 4.0 * std::sqrt(2.0 * dimension) + 6.0;
}

/// The columns of `candidates` in their order, without those near one taken before, in sds of `metric`.
std::vector<Index> apart(ConstMat theta, const std::vector<Index>& candidates, const Affine& metric) {
  std::vector<Index> taken;
  for (const Index s : candidates) {
    if (taken.size() == most_strangers) break;
    const Affine here{theta.col(s), metric.scale};
    const bool is_near = std::ranges::any_of(
        taken, [&](Index t) { return here.whiten(theta.col(t)).squaredNorm() <= far(theta.rows()); });
    if (!is_near) taken.push_back(s);
  }
  return taken;
}

}  // namespace

std::optional<TemperingReport> tempering_report(const State& state) {
  const std::optional<Tempered> tempered = state.find(left::tempered);
  if (!tempered) return std::nullopt;
  TemperingReport report;
  report.temperature = tempered->temperature;
  report.temperatures = tempered->temperatures;
  report.gradients = tempered->gradients;
  const Vector islands = state.get(left::tempered_islands);
  const auto count = static_cast<double>(islands.size());
  report.log_evidence = log_mean_exp(islands);
  const Vector relative = islands.unaryExpr([&](double x) { return std::exp(x - report.log_evidence); });
  report.log_evidence_error = std::sqrt((relative.array() - 1.0).square().sum() / (count * (count - 1.0)));

  const Proposal modes = state.get(left::found_modes);
  report.shares = Vector::Zero(modes.num_components());
  const Matrix& particles = state.get(left::tempered_particles);
  const Index d = particles.rows() - 1, n = particles.cols();
  report.strangers = Matrix(d, 0);
  if (n == 0) return report;
  const Matrix theta = particles.topRows(d);
  Matrix distance(modes.num_components(), n), log_density(modes.num_components(), n);
  for (Index k = 0; k < modes.num_components(); ++k) {
    const Affine& mode = std::get<Student>(modes.component(k)).base;
    distance.row(k) = mode.whiten(theta).colwise().squaredNorm();
    log_density.row(k) = -0.5 * distance.row(k).array() - mode.log_det();
  }
  std::vector<Index> strange;
  for (Index s = 0; s < n; ++s) {
    const double weight = relative(s * islands.size() / n) / static_cast<double>(n);
    Index likeliest = 0;
    log_density.col(s).maxCoeff(&likeliest);
    report.shares(likeliest) += weight;
    if (distance.col(s).minCoeff() <= far(d)) continue;
    report.strange += weight;
    strange.push_back(s);
  }
  std::ranges::stable_sort(strange, [&](Index a, Index b) { return particles(d, a) > particles(d, b); });
  report.strangers = theta(Eigen::all, apart(theta, strange, state.get(left::base).map));
  return report;
}

bool agrees(const TemperingReport& report, double log_evidence, double log_evidence_error) {
  const double joint = std::hypot(report.log_evidence_error, log_evidence_error);
  return log_evidence >= report.log_evidence - slack - errors * joint;
}

}  // namespace vfe
