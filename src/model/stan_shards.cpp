#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/random.hpp"
#include "vfe/model/stan.hpp"

namespace vfe {
namespace {

constexpr Index num_draws = 4;
constexpr Index max_tried = 100;  // points, to find as many draws of finite density
// The search for what breaks a sum: a coupling shows in many fewer rows than these, and where there are few
// rows, in one of several random choices of them.
constexpr Index max_probed = 300;
constexpr std::uint32_t num_choices = 3;

/// Blocks of about 1, 2, 3, ... parts of the rows, each of one row at least.
Blocks uneven_blocks(Index rows, Index count) {
  count = std::clamp<Index>(count, 1, rows);
  const Index parts = count * (count + 1) / 2;
  std::vector<Index> offsets = {0};
  for (Index b = 1; b <= count; ++b) {
    const Index wanted = rows * (b * (b + 1) / 2) / parts;
    offsets.push_back(b == count ? rows : std::clamp(wanted, offsets.back() + 1, rows - (count - b)));
  }
  return Blocks::of_offsets(std::move(offsets));
}

/// Points, uniform on (-2, 2) as Stan starts its chains, where the program has a finite density and gradient.
Matrix find_draws(const StanProgram& program, std::uint64_t seed, const std::string& name) {
  std::vector<Vector> found;
  std::string why = "it is infinite or not a number";
  for (Index tried = 0; tried < max_tried && std::ssize(found) < num_draws; ++tried) {
    const Address at{
        .seed = seed, .purpose = Purpose::shard_draws, .draw = static_cast<std::uint32_t>(tried)};
    Vector theta(program.size());
    for (Index i = 0; i < theta.size(); ++i)
      theta[i] = 4.0 * uniform(at, static_cast<std::uint32_t>(i)) - 2.0;
    double value = 0.0;
    Vector grad(theta.size());
    if (program.log_density(theta, value, grad, &why) && std::isfinite(value) && grad.allFinite()) {
      found.push_back(std::move(theta));
    }
  }
  if (found.empty()) {
    throw Error(Fault::numeric,
                fmt::format("checking the shards of {}: none of {} points has a finite density: {}", name,
                            max_tried, why));
  }
  Matrix draws(program.size(), std::ssize(found));
  for (Index s = 0; s < draws.cols(); ++s) draws.col(s) = found[static_cast<std::size_t>(s)];
  return draws;
}

/// The largest difference, relative to the largest entry expected or to 1; infinite where it is not a number.
double distance(ConstVec found, ConstVec expected) {
  double worst = 0.0;
  for (Index i = 0; i < found.size(); ++i) {
    const double difference = std::abs(found[i] - expected[i]);
    worst = std::isnan(difference) ? infinity : std::max(worst, difference);
  }
  return worst / std::max(1.0, expected.lpNorm<Eigen::Infinity>());
}

/// Looks for the reason why a program is no sum over rows, by mixed differences at a fixed number of rows:
/// with f(a, b) the log density when some rows (a) and others (b) have been changed or not, f(1, 1) - f(1, 0)
/// - f(0, 1) + f(0, 0) is zero for every sum over rows.
class Search {
 public:
  Search(const StanLibrary& library, const StanData& data, ConstMat draws, double tolerance,
         std::uint64_t seed)
      : library_(library), data_(data), draws_(draws), tolerance_(tolerance), seed_(seed) {
    rows_.resize(static_cast<std::size_t>(std::min(data.rows(), max_probed)));
    std::iota(rows_.begin(), rows_.end(), Index{0});
    plain_ = densities({});
  }

  std::string culprit() {
    const std::vector<std::string>& variables = data_.shard().rows;
    for (std::uint32_t choice = 0; choice < num_choices; ++choice) {
      choose(choice);
      std::vector<std::string> found;
      for (const std::string& variable : variables) {
        if (are_coupled(variable, variable)) found.push_back(variable);
      }
      if (found.size() == 1) return found.front() + ": its rows depend on one another";
      if (!found.empty()) return fmt::format("{}: their rows depend on one another", fmt::join(found, ", "));
      for (const std::string& one : variables) {
        for (const std::string& other : variables) {
          if (one != other && are_coupled(one, other)) {
            return fmt::format("{}, {}: rows of one depend on other rows of the other", one, other);
          }
        }
      }
    }
    const std::vector<Index> reversed(rows_.rbegin(), rows_.rend());
    Others all;
    for (const std::string& variable : variables) all[variable] = reversed;
    if (differs(densities(all) - plain_, plain_)) {
      return fmt::format("{}: the order of their rows counts", fmt::join(variables, ", "));
    }
    if (!refused_.empty()) return refused_;
    return data_.shard().size + ": the density depends on the count itself, not only through a sum over rows";
  }

 private:
  using Others = std::map<std::string, std::vector<Index>>;

  /// Sorts rows into three kinds at random: those of the first and of the second are changed, to the values
  /// of rows of the third, so that sums and means of the whole change as well.
  void choose(std::uint32_t choice) {
    const Index rows = std::ssize(rows_);
    const Address at{.seed = seed_, .purpose = Purpose::shard_choice, .step = choice};
    const std::vector<Index> order = permutation(at, rows);
    first_ = second_ = both_ = rows_;
    // Of two rows there is no third: each takes the other's values.
    const Index each = rows > 2 ? rows / 3 : 1;
    for (Index k = 0; k < each; ++k) {
      const auto row = [&](Index kind) {
        return static_cast<std::size_t>(order[static_cast<std::size_t>((k + kind * each) % rows)]);
      };
      first_[row(0)] = both_[row(0)] = static_cast<Index>(rows > 2 ? row(2) : row(1));
      second_[row(1)] = both_[row(1)] = static_cast<Index>(row(2));
    }
    known_.clear();
  }

  /// The log density at the draws, with some variables' values from other rows; NaN where there is none.
  Vector densities(const Others& others) const {
    const StanProgram program(library_, data_.part(rows_, others), data_.name());
    Vector value(draws_.cols()), no_gradient;
    for (Index s = 0; s < draws_.cols(); ++s) program.log_density(draws_.col(s), value[s], no_gradient);
    return value;
  }

  /// Those where one variable is changed in rows of one kind.
  const Vector& changed(const std::string& variable, const std::vector<Index>& from) {
    const auto [found, is_new] = known_.try_emplace({variable, &from});
    if (is_new) found->second = densities({{variable, from}});
    return found->second;
  }

  /// Whether the effect of changing one variable in rows of the first kind depends on the other's in those of
  /// the second kind.
  bool are_coupled(const std::string& one, const std::string& other) {
    try {
      const Vector both =
          densities(one == other ? Others{{one, both_}} : Others{{one, first_}, {other, second_}});
      const Vector& first = changed(one, first_);
      const Vector& second = changed(other, second_);
      const Vector size = both.cwiseAbs().cwiseMax(plain_.cwiseAbs()).cwiseMax(first.cwiseAbs());
      return differs(both - first - second + plain_, size.cwiseMax(second.cwiseAbs()));
    } catch (const Error& error) {
      // The program takes these values in no other rows: a sign of dependence if there is no better one.
      if (refused_.empty()) {
        refused_ = fmt::format("{}: its rows cannot be exchanged: {}", one, error.what());
      }
      return false;
    }
  }

  /// Whether a difference is more than rounding somewhere.
  bool differs(const Vector& difference, const Vector& size) const {
    for (Index s = 0; s < difference.size(); ++s) {
      if (std::abs(difference[s]) > tolerance_ * std::max(1.0, std::abs(size[s]))) return true;
    }
    return false;
  }

  const StanLibrary& library_;
  const StanData& data_;
  const Matrix draws_;
  double tolerance_;
  std::uint64_t seed_;
  std::vector<Index> rows_, first_, second_, both_;  // where each row's values come from
  Vector plain_;
  std::map<std::pair<std::string, const std::vector<Index>*>, Vector> known_;
  std::string refused_;
};

}  // namespace

ShardCheck check_shards(std::shared_ptr<const StanLibrary> library, const StanData& data, Index num_blocks,
                        double tolerance, std::uint64_t seed) {
  if (data.rows() < 2) {
    throw Error(Fault::data, fmt::format("checking the shards of {}: found {} rows, expected at least 2",
                                         data.name(), data.rows()));
  }
  const Blocks blocks = uneven_blocks(data.rows(), num_blocks);
  const StanModel model(library, data, blocks, {0, blocks.num_blocks()});
  const StanProgram whole(*library, data.part(0, data.rows()), data.name());
  const Matrix draws = find_draws(whole, seed, data.name());

  Vector sum = Vector::Zero(draws.cols());
  Matrix sum_grad = Matrix::Zero(draws.rows(), draws.cols());
  model.log_prior(draws, sum, sum_grad);
  for (Index block = 0; block < model.blocks(); ++block) model.log_likelihood(block, draws, sum, sum_grad);

  ShardCheck check;
  for (Index s = 0; s < draws.cols(); ++s) {
    double value = 0.0;
    Vector grad(draws.rows());
    whole.log_density(draws.col(s), value, grad);
    check.worst_value = std::max(check.worst_value, distance(sum.segment(s, 1), Vector::Constant(1, value)));
    check.worst_gradient = std::max(check.worst_gradient, distance(sum_grad.col(s), grad));
  }
  if (std::max(check.worst_value, check.worst_gradient) > tolerance)
    check.culprit = Search(*library, data, draws, tolerance, seed).culprit();
  return check;
}

}  // namespace vfe
