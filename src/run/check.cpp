#include "vfe/run/check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <limits>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"
#include "vfe/run/problem.hpp"

namespace vfe {
namespace {

constexpr Index num_points = 3, num_directions = 4;
constexpr double point_sd = 0.3;     // spread of the points, in the units of the model's standardised columns
constexpr double difference = 1e-3;  // step of the differences
constexpr double relative_tolerance = 1e-5;
constexpr double rounding = 1000.0 * std::numeric_limits<double>::epsilon();

/// The slope of f at a point in a direction by central differences of fourth order.
struct Stencil {
  static constexpr double at[] = {-2.0, -1.0, 1.0, 2.0};
  static constexpr double weight[] = {1.0 / 12.0, -8.0 / 12.0, 8.0 / 12.0, -1.0 / 12.0};
};

Vector random_vector(std::uint64_t seed, Index point, Index which, Index size) {
  Matrix values(size, 1);
  fill_normal({.seed = seed,
               .purpose = Purpose::check,
               .step = static_cast<std::uint32_t>(point),
               .draw = 0,
               .block = static_cast<std::uint32_t>(which)},
              values);
  return values.col(0);
}

/// [collective] The largest difference at one point, in units of the tolerance there.
double check_point(const Target& target, std::uint64_t seed, Index point) {
  const Index d = target.size();
  const Vector centre = point_sd * random_vector(seed, point, 0, d);
  Matrix directions(d, num_directions), around(d, 4 * num_directions);
  for (Index j = 0; j < num_directions; ++j) {
    directions.col(j) = random_vector(seed, point, 1 + j, d).normalized();
    for (Index k = 0; k < 4; ++k) {
      around.col(4 * j + k) = centre + difference * Stencil::at[k] * directions.col(j);
    }
  }
  Vector value(1), values(around.cols());
  Matrix gradient(d, 1), no_gradient(d, 0);
  target.log_joint(Minibatch{}, centre, value, gradient);
  target.log_joint(Minibatch{}, around, values, no_gradient);
  if (!value.allFinite() || !values.allFinite()) {
    Matrix all(d, 1 + around.cols());
    all << centre, around;
    throw Error(Fault::numeric, fmt::format("checking the gradient: the log density is not finite: {}",
                                            target.name_non_finite(Minibatch{}, all)));
  }
  double worst = 0.0;
  for (Index j = 0; j < num_directions; ++j) {
    double slope = 0.0;
    for (Index k = 0; k < 4; ++k) slope += Stencil::weight[k] * values[4 * j + k] / difference;
    const double tolerance =
        relative_tolerance * gradient.col(0).norm() + rounding * values.cwiseAbs().maxCoeff() / difference;
    worst = std::max(worst, std::abs(slope - gradient.col(0).dot(directions.col(j))) / tolerance);
  }
  return worst;
}

}  // namespace

CheckReport check(const Communicator& comm, const Config& config) {
  const Problem problem(comm, config);
  const Schema& schema = problem.schema();
  CheckReport report;
  report.lines.push_back(fmt::format("data: {}: {} rows, {} columns, {} blocks of {} rows, response {}",
                                     config.data.file, schema.rows, schema.num_columns(), schema.num_blocks(),
                                     schema.block_rows, schema.response));
  std::vector<std::string> names;
  for (const Parameter& parameter : problem.model().parameters().list()) {
    names.push_back(fmt::format("{} ({})", parameter.name, parameter.num_constrained()));
  }
  report.lines.push_back(fmt::format("model: {}, {} parameters: {}", to_string(config.model.likelihood),
                                     problem.target().size(), fmt::join(names, ", ")));
  for (Index point = 0; point < num_points; ++point) {
    report.worst = std::max(report.worst, check_point(problem.target(), config.fit.seed, point));
  }
  if (!(report.worst < 1.0)) {
    throw Error(Fault::bug,
                fmt::format("checking the gradient: it differs from differences of the log density "
                            "by {:.3g} times the tolerance",
                            report.worst));
  }
  report.lines.push_back(fmt::format("gradient: agrees with differences in {} directions at {} points",
                                     num_directions, num_points));
  return report;
}

}  // namespace vfe
