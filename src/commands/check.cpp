#include "vfe/commands/check.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <limits>
#include <optional>

#include "vfe/commands/build_library.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"
#include "vfe/model/stan.hpp"
#include "vfe/problem/load_model.hpp"
#include "vfe/problem/problem.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {
namespace {

constexpr Index num_points = 3, num_directions = 4;
constexpr Index most_points_tried = 50;
constexpr double point_sd = 0.3;     // spread of the points, in the units of the model's standardised columns
constexpr double difference = 1e-3;  // step of the differences
constexpr double relative_tolerance = 1e-5;
constexpr double rounding = 1000.0 * std::numeric_limits<double>::epsilon();

constexpr Index num_shards = 7, most_shard_rows = 20000;
constexpr double shard_tolerance = 1e-10;

/// The slope of f at a point in a direction by central differences of fourth order, with two steps: where f
/// is itself the outcome of iterations (an ODE solver), the slopes differ by what that costs.
struct Stencil {
  static constexpr double at[] = {-2.0, -1.0, 1.0, 2.0};
  static constexpr double weight[] = {1.0 / 12.0, -8.0 / 12.0, 8.0 / 12.0, -1.0 / 12.0};
  static constexpr double step[] = {difference, 0.3 * difference};
  static constexpr Index size = 8;
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

/// Differences between a gradient and slopes at one point.
struct Slopes {
  Vector error;  ///< by direction: |slope - gradient . direction| in units of what is allowed
  Vector slope, dot;
};

/// [collective] Empty where the density is not finite at the point or around it.
std::optional<Slopes> compare(const Target& target, ConstVec centre, const Matrix& directions) {
  const Index d = target.size(), count = directions.cols();
  Matrix around(d, Stencil::size * count);
  for (Index j = 0; j < count; ++j) {
    for (Index k = 0; k < Stencil::size; ++k) {
      around.col(Stencil::size * j + k) =
          centre + Stencil::step[k / 4] * Stencil::at[k % 4] * directions.col(j);
    }
  }
  Vector value(1), values(around.cols());
  Matrix gradient(d, 1);
  target.log_joint(Minibatch{}, centre, value, gradient);
  if (!value.allFinite()) return std::nullopt;
  target.log_joint(around, values);
  if (!values.allFinite()) return std::nullopt;
  Slopes slopes{Vector(count), Vector(count), Vector(count)};
  for (Index j = 0; j < count; ++j) {
    double slope[2] = {0.0, 0.0};
    for (Index k = 0; k < Stencil::size; ++k) {
      slope[k / 4] += Stencil::weight[k % 4] * values[Stencil::size * j + k] / Stencil::step[k / 4];
    }
    const double tolerance = relative_tolerance * gradient.col(0).norm() +
                             rounding * values.cwiseAbs().maxCoeff() / difference +
                             3.0 * std::abs(slope[0] - slope[1]);
    slopes.slope[j] = slope[0];
    slopes.dot[j] = gradient.col(0).dot(directions.col(j));
    slopes.error[j] = std::abs(slopes.slope[j] - slopes.dot[j]) / tolerance;
  }
  return slopes;
}

/// [collective] Names the parameter whose derivative is most wrong at a point.
std::string name_worst(const Target& target, ConstVec centre) {
  constexpr Index chunk = 64;
  std::string text;
  double worst = 0.0;
  for (Index first = 0; first < target.size(); first += chunk) {
    const Index count = std::min(chunk, target.size() - first);
    Matrix directions = Matrix::Zero(target.size(), count);
    for (Index j = 0; j < count; ++j) directions(first + j, j) = 1.0;
    const std::optional<Slopes> slopes = compare(target, centre, directions);
    if (!slopes) continue;
    for (Index j = 0; j < count; ++j) {
      if (slopes->error[j] <= worst) continue;
      worst = slopes->error[j];
      text = fmt::format("worst in unconstrained {}: the gradient is {:.6g}, differences say {:.6g}",
                         target.parameters().unconstrained_name(first + j), slopes->dot[j], slopes->slope[j]);
    }
  }
  return text;
}

/// [collective] The largest difference at one point, in units of the tolerance there; empty where the density
/// is not finite.
std::optional<double> check_point(const Target& target, ConstVec centre, std::uint64_t seed, Index point) {
  Matrix directions(target.size(), num_directions);
  for (Index j = 0; j < num_directions; ++j) {
    directions.col(j) = random_vector(seed, point, 1 + j, target.size()).normalized();
  }
  const std::optional<Slopes> slopes = compare(target, centre, directions);
  if (!slopes) return std::nullopt;
  const double worst = slopes->error.maxCoeff();
  if (!(worst < 1.0)) {
    throw Error(Fault::data,
                fmt::format("checking the gradient: it differs from differences of the log density by {:.3g} "
                            "times the tolerance; {}",
                            worst, name_worst(target, centre)));
  }
  return worst;
}

/// [collective] Where a density is not finite at a point (Stan programs have domains), another is tried.
double check_gradient(const Target& target, std::uint64_t seed) {
  double worst = 0.0;
  Index checked = 0;
  for (Index point = 0; checked < num_points; ++point) {
    const Vector centre = point_sd * random_vector(seed, point, 0, target.size());
    const std::optional<double> found = check_point(target, centre, seed, point);
    if (found) {
      worst = std::max(worst, *found);
      ++checked;
    } else if (point + 1 >= most_points_tried) {
      throw Error(Fault::numeric,
                  fmt::format("checking the gradient: the log density is finite at only {} of {} points: {}",
                              checked, most_points_tried, target.name_non_finite(Minibatch{}, centre)));
    }
  }
  return worst;
}

/// Rank 0: that the blocks of a Stan program sum to the whole.
std::string check_sum_of_blocks(const Config& config, const std::string& json) {
  std::shared_ptr<const TableSource> rows;
  if (!config.data.file.empty()) {
    const Dataset file(config.data.file);
    const DatasetSchema& schema = file.schema();
    const Index most = std::max<Index>(1, most_shard_rows / schema.blocks.block_rows());
    const BlockRange blocks{0, std::min(most, schema.num_blocks())};
    rows = table_in_memory(schema, file.read(blocks), schema.blocks.slice(blocks));
  }
  const StanData data = stan_data(config, json, rows.get());
  const ShardCheck found = check_shards(std::make_shared<const StanLibrary>(stan_library_file(config)), data,
                                        num_shards, shard_tolerance, config.fit.seed);
  if (!found.culprit.empty()) {
    throw Error(
        Fault::data,
        fmt::format("model.shard: the program's log density is not a sum over its rows: {} (blocks and whole "
                    "differ by {:.2g} in value, {:.2g} in the gradient, relative)",
                    found.culprit, found.worst_value, found.worst_gradient));
  }
  return fmt::format(
      "shards: {} blocks of {} rows sum to the whole program to {:.1g} in value, {:.1g} in the "
      "gradient (relative)",
      num_shards, data.rows(), found.worst_value, found.worst_gradient);
}

std::string list_parameters(const Parameters& parameters) {
  constexpr std::size_t most = 12;
  std::vector<std::string> names;
  for (const Parameter& parameter : parameters.list()) {
    if (names.size() == most) {
      names.push_back(fmt::format("and {} more", parameters.list().size() - most));
      break;
    }
    names.push_back(fmt::format("{} ({})", parameter.name, parameter.num_constrained()));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

CheckReport check(const Communicator& comm, const Config& config) {
  build_library(comm, config);
  const Problem problem(comm, config);
  CheckReport report;
  report.lines.push_back(fmt::format("data: {}", problem.description()));
  for (const std::string& note : problem.notes()) report.lines.push_back(fmt::format("note: {}", note));
  report.lines.push_back(fmt::format("model: {}, {} parameters: {}", config.model.type,
                                     problem.target().size(), list_parameters(problem.model().parameters())));
  if (config.model.is_sharded()) {
    const std::string json = read_stan_json(comm, config);
    std::string line;
    comm.on_root("checking the shards", [&] { line = check_sum_of_blocks(config, json); });
    report.lines.push_back(comm.broadcast(line));
  }
  report.worst = check_gradient(problem.target(), config.fit.seed);
  report.lines.push_back(fmt::format("gradient: agrees with differences in {} directions at {} points",
                                     num_directions, num_points));
  return report;
}

}  // namespace vfe
