#include "vfe/model/local_effects.hpp"

#include <Eigen/Cholesky>
#include <cmath>
#include <limits>

#include "model/nested_integral.hpp"
#include "vfe/model/integrated.hpp"

namespace vfe {
namespace {

constexpr Index candidates = 8;
constexpr double freedom = 4.0;  ///< of their t: even, so that chi squared is the log of a product

/// The modes of the groups of a block at theta, about which z = mode + spread x.
class LocalSpread {
 public:
  LocalSpread(const LocalModel& model, Index block, ConstVec theta)
      : size_(model.num_latents()),
        density_(model.at(block, theta)),
        modes_(find_local_modes(*density_, size_, model.groups(block))),
        spread_(size_ * size_, modes_.mode.cols()) {
    Eigen::LLT<Matrix> factor(size_);
    for (Index g = 0; g < groups() && modes_.found; ++g) {
      factor.compute(Eigen::Map<const Matrix>(modes_.scale.col(g).data(), size_, size_));
      modes_.found = factor.info() == Eigen::Success;
      Eigen::Map<Matrix> own(spread_.col(g).data(), size_, size_);
      own.setIdentity();
      factor.matrixU().solveInPlace(own);
    }
  }

  bool found() const { return modes_.found; }
  Index size() const { return size_; }
  Index groups() const { return modes_.mode.cols(); }
  LocalDensity& density() { return *density_; }
  Vector mode(Index group) const { return modes_.mode.col(group); }
  Eigen::Map<const Matrix> spread(Index group) const { return {spread_.col(group).data(), size_, size_}; }

 private:
  Index size_;
  std::unique_ptr<LocalDensity> density_;
  LocalModes modes_;
  Matrix spread_;  ///< size^2 x groups
};

Matrix not_a_number(Index rows, Index columns) {
  return Matrix::Constant(rows, columns, std::numeric_limits<double>::quiet_NaN());
}

/// Of x in z = mode + spread x by the nodes of the rule: means, and second moments (size^2 x groups).
struct NodeMoments {
  Matrix first, second;
};

NodeMoments moments_at_nodes(LocalSpread& spread, const GaussHermite& rule) {
  const Index size = spread.size(), groups = spread.groups(), nodes = rule.nodes.cols();
  NodeMoments moments{Matrix(size, groups), Matrix(size * size, groups)};
  Vector value(nodes);
  Matrix slope(size, nodes);
  for (Index g = 0; g < groups; ++g) {
    spread.density().evaluate(g, (spread.spread(g) * rule.nodes).colwise() + spread.mode(g), value, slope);
    const Vector weight = (value.array() - value[0] + rule.log_weights.array()).exp();
    const Vector share = weight / weight.sum();
    moments.first.col(g) = rule.nodes * share;
    moments.second.col(g) = (rule.nodes * share.asDiagonal() * rule.nodes.transpose()).reshaped();
  }
  return moments;
}

/// Candidates of every group, x in z = mode + spread x, from a t.
struct Candidates {
  Matrix x;            ///< size x (groups x candidates)
  Vector log_density;  ///< of each, less a constant
};

Candidates draw_candidates(Index size, Index groups, const Address& at) {
  const Index count = groups * candidates;
  Vector noise(size * count);
  fill_normal(at, noise, at.draw);
  Candidates drawn{noise.reshaped(size, count), Vector(count)};
  Address of_length = at;
  of_length.step = 1;
  for (Index i = 0; i < count; ++i) {
    const auto first = static_cast<std::uint32_t>(2 * i);
    const double chi_squared = -2.0 * std::log(uniform(of_length, first) * uniform(of_length, first + 1));
    drawn.x.col(i) *= std::sqrt(freedom / chi_squared);
    drawn.log_density[i] =
        -0.5 * (freedom + static_cast<double>(size)) * std::log1p(drawn.x.col(i).squaredNorm() / freedom);
  }
  return drawn;
}

/// x in z = mode + spread x of a draw of each group, size x groups.
Matrix draw_by_candidates(LocalSpread& spread, const Address& at) {
  const Index size = spread.size(), groups = spread.groups();
  const Candidates drawn = draw_candidates(size, groups, at);
  Matrix slope(size, candidates), chosen(size, groups);
  Vector value(candidates);
  Address choice = at;
  choice.step = 2;
  for (Index g = 0; g < groups; ++g) {
    const auto x = drawn.x.middleCols(g * candidates, candidates);
    spread.density().evaluate(g, (spread.spread(g) * x).colwise() + spread.mode(g), value, slope);
    const Vector log_weight = value - drawn.log_density.segment(g * candidates, candidates);
    const Vector weight = (log_weight.array() - log_weight.maxCoeff()).exp();
    double left = uniform(choice, static_cast<std::uint32_t>(g)) * weight.sum();
    Index c = 0;
    while (c + 1 < candidates && left > weight[c]) left -= weight[c++];
    chosen.col(g) = x.col(c);
  }
  return chosen;
}

/// Of groups within outer ones. The rule is exact for a quadratic model, too.
LocalMoments nested_moments(const LocalModel& model, Index block, ConstVec theta, const GaussHermite& rule) {
  const Matrix factor = model.effects_of_latents(theta);
  const Index own = model.num_latents() - model.num_outer_latents(), groups = model.groups(block);
  const GaussHermite outer_rule = gauss_hermite(moment_nodes, model.num_outer_latents());
  const std::vector<Index> first = model.outer_groups(block);
  const auto density = model.at(block, theta);
  NestedIntegral integral(*density, outer_rule, rule, first);
  LocalMoments moments{not_a_number(factor.rows(), groups), not_a_number(factor.rows(), groups)};
  Vector value(std::ssize(first) - 1), no_gradient;
  if (!integral.compute(value, no_gradient)) return moments;
  Matrix mean(own, groups), second(own * own, groups);
  integral.moments(mean, second);
  const Matrix to_effects = factor.rightCols(own);
  moments.mean = to_effects * mean;
  for (Index g = 0; g < groups; ++g) {
    const Matrix covariance =
        Eigen::Map<const Matrix>(second.col(g).data(), own, own) - mean.col(g) * mean.col(g).transpose();
    moments.variance.col(g) = (to_effects * covariance).cwiseProduct(to_effects).rowwise().sum();
  }
  return moments;
}

}  // namespace

LocalMoments local_moments(const LocalModel& model, Index block, ConstVec theta, const GaussHermite& rule) {
  if (model.num_outer_latents() > 0) return nested_moments(model, block, theta, rule);
  const Matrix factor = model.effects_of_latents(theta);
  LocalSpread spread(model, block, theta);
  const Index size = spread.size(), groups = spread.groups();
  LocalMoments moments{not_a_number(factor.rows(), groups), not_a_number(factor.rows(), groups)};
  if (!spread.found()) return moments;
  NodeMoments of_x;
  if (!model.is_quadratic()) of_x = moments_at_nodes(spread, rule);
  Matrix covariance = Matrix::Identity(size, size);
  for (Index g = 0; g < groups; ++g) {
    const Matrix to_effects = factor * spread.spread(g);
    moments.mean.col(g) = factor * spread.mode(g);
    if (!model.is_quadratic()) {
      const Vector mean = of_x.first.col(g);
      moments.mean.col(g) += to_effects * mean;
      covariance = Eigen::Map<const Matrix>(of_x.second.col(g).data(), size, size) - mean * mean.transpose();
    }
    moments.variance.col(g) = (to_effects * covariance).cwiseProduct(to_effects).rowwise().sum();
  }
  return moments;
}

Matrix draw_local_effects(const LocalModel& model, Index block, ConstVec theta, const Address& at) {
  const Matrix factor = model.effects_of_latents(theta);
  LocalSpread spread(model, block, theta);
  const Index size = spread.size(), groups = spread.groups();
  if (!spread.found()) return not_a_number(factor.rows(), groups);
  Matrix z(size, groups);
  if (model.is_quadratic()) {
    for (Index i = 0; i < z.size(); ++i) z.data()[i] = normal(at, static_cast<std::uint32_t>(i));
  } else {
    z = draw_by_candidates(spread, at);
  }
  for (Index g = 0; g < groups; ++g) z.col(g) = (spread.mode(g) + spread.spread(g) * z.col(g)).eval();
  return factor * z;
}

}  // namespace vfe
