#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "statistics/stein.hpp"
#include "vfe/core/numbers.hpp"

namespace vfe::stein {
namespace {

constexpr Index block_draws = 256;  // features exist for so many draws at a time
constexpr double ridge = 1e-4;      // of features scaled to variance 1
// A feature that varies by less, relative to its size over all draws, is constant where it is to be fitted.
constexpr double constant = 1e-12;
constexpr double rounding = 1e-12;  // of a mean, against the root mean square

/// Calls visit(first, features) for the draws [begin, end), a block at a time.
template <class Visit>
void for_blocks(Index begin, Index end, Index count, const Features& features, const Visit& visit) {
  Matrix block(count, std::min(block_draws, end - begin));
  for (Index first = begin; first < end; first += block_draws) {
    const Index size = std::min(block_draws, end - first);
    features(first, block.leftCols(size));
    visit(first, block.leftCols(size));
  }
}

/// Weighted sums over some of the draws.
struct Sums {
  double weight = 0.0;
  Vector features, rows;  ///< first moments
  Matrix gram;            ///< of the features, lower triangle
  Matrix cross;           ///< features by rows

  Sums(Index num_features, Index num_rows)
      : features(Vector::Zero(num_features)),
        rows(Vector::Zero(num_rows)),
        gram(Matrix::Zero(num_features, num_features)),
        cross(Matrix::Zero(num_features, num_rows)) {}

  void add(const Design& design, Index first, ConstMat block, ConstMat integrands) {
    const auto share = design.weight.segment(first, block.cols());
    const Vector root = share.cwiseSqrt();
    const Matrix scaled = block * root.asDiagonal();
    weight += share.sum();
    features.noalias() += block * share;
    rows.noalias() += integrands * share;
    gram.selfadjointView<Eigen::Lower>().rankUpdate(scaled);
    cross.noalias() += scaled * (integrands * root.asDiagonal()).transpose();
  }

  void add(const Sums& other) {
    weight += other.weight;
    features += other.features;
    rows += other.rows;
    gram += other.gram;
    cross += other.cross;
  }

  /// Turns the sums over a part into those over the rest.
  void complement(const Sums& all) {
    weight = all.weight - weight;
    features = all.features - features;
    rows = all.rows - rows;
    gram = all.gram - gram;
    cross = all.cross - cross;
  }
};

/// Coefficients, features by rows, of the ridge regression; empty if it fails. Uses up the sums. `size` is
/// the mean square of each feature over all draws.
Matrix solve(Sums& sums, const Vector& size) {
  sums.features /= sums.weight;
  sums.rows /= sums.weight;
  Vector& mean = sums.features;
  const Vector variance = sums.gram.diagonal() / sums.weight - mean.cwiseAbs2();
  const Vector inverse_sd =
      (variance.array() > constant * size.array())
          .select(variance.cwiseMax(std::numeric_limits<double>::min()).cwiseSqrt().cwiseInverse(), 0.0);
  Matrix& correlation = sums.gram;
  for (Index j = 0; j < correlation.cols(); ++j) {
    for (Index i = j; i < correlation.rows(); ++i) {
      correlation(i, j) =
          inverse_sd(i) * inverse_sd(j) * (correlation(i, j) / sums.weight - mean(i) * mean(j));
    }
    correlation(j, j) += ridge;
  }
  Matrix& covariance = sums.cross;
  covariance /= sums.weight;
  covariance.noalias() -= mean * sums.rows.transpose();
  covariance = inverse_sd.asDiagonal() * covariance;

  const Eigen::LLT<Eigen::Ref<Matrix>> factor(correlation);
  if (factor.info() != Eigen::Success) return {};
  // Iterated Tikhonov regularisation: the ridge, taken out twice again where the data determine the answer,
  // so that the part of an integrand that is exactly a feature leaves no residual.
  Matrix term = factor.solve(covariance);
  Matrix coefficients = term;
  for (int again = 0; again < 2; ++again) {
    term = ridge * factor.solve(term);
    coefficients += term;
  }
  if (!coefficients.allFinite()) return {};
  return inverse_sd.asDiagonal() * coefficients;
}

/// |mean| / standard error of features, from sums over all draws.
class Deviation {
 public:
  Deviation(const Design& design, Index count)
      : design_(design),
        mean_(Vector::Zero(count)),
        size_(Vector::Zero(count)),
        sums_(Matrix::Zero(count, design.group.empty() ? 2 : design.num_groups)),
        group_weight_(Vector::Zero(sums_.cols())) {}

  void add(Index first, ConstMat block) {
    const auto share = design_.weight.segment(first, block.cols());
    mean_.noalias() += block * share;
    size_.noalias() += block.cwiseAbs2() * share;
    if (design_.group.empty()) {
      sums_.col(0).noalias() += block * share.cwiseAbs2();
      sums_.col(1).noalias() += block.cwiseAbs2() * share.cwiseAbs2();
      return;
    }
    for (Index s = 0; s < block.cols(); ++s) {
      const Index group = design_.group[static_cast<std::size_t>(first + s)];
      sums_.col(group) += share(s) * block.col(s);
      group_weight_(group) += share(s);
    }
  }

  const Vector& mean_square() const { return size_; }

  Vector value() const {
    Vector variance;
    if (design_.group.empty()) {
      variance = sums_.col(1) - 2.0 * mean_.cwiseProduct(sums_.col(0)) +
                 design_.weight.squaredNorm() * mean_.cwiseAbs2();
    } else {
      variance = (sums_ - mean_ * group_weight_.transpose()).rowwise().squaredNorm();
    }
    const double n = static_cast<double>(design_.num_groups);
    Vector result(mean_.size());
    for (Index i = 0; i < mean_.size(); ++i) {
      // Over all copies of a symmetric density odd functions cancel but for rounding.
      if (std::abs(mean_(i)) <= rounding * std::sqrt(size_(i))) {
        result(i) = 0.0;
      } else if (variance(i) <= constant * design_.weight.squaredNorm() * size_(i)) {
        result(i) = infinity;
      } else {
        result(i) = std::abs(mean_(i)) / std::sqrt(variance(i) * n / (n - 1.0));
      }
    }
    return result;
  }

 private:
  const Design& design_;
  Vector mean_, size_;
  Matrix sums_;  // weights squared times feature and its square; or a column for each group
  Vector group_weight_;
};

}  // namespace

Means weighted_means(const Design& design, ConstMat rows) {
  Means means{.value = rows * design.weight, .error = {}};
  const double n = static_cast<double>(design.num_groups);
  const Index columns = design.group.empty() ? 0 : design.num_groups;
  Matrix sums = Matrix::Zero(rows.rows(), columns);
  Vector square = Vector::Zero(rows.rows());
  for (Index s = 0; s < rows.cols(); ++s) {
    if (columns == 0) {
      square.array() += (design.weight(s) * (rows.col(s) - means.value).array()).square();
    } else {
      sums.col(design.group[static_cast<std::size_t>(s)]) += design.weight(s) * (rows.col(s) - means.value);
    }
  }
  if (columns > 0) square = sums.rowwise().squaredNorm();
  means.error = (square * n / (n - 1.0)).cwiseSqrt();
  return means;
}

Regressed regress(const Design& design, Index count, const Features& features, ConstMat rows) {
  const std::size_t num_folds = design.fold_begin.size() - 1;
  std::vector<Sums> folds(num_folds, Sums(count, rows.rows()));
  Sums all(count, rows.rows());
  Deviation deviation(design, count);
  for (std::size_t fold = 0; fold < num_folds; ++fold) {
    for_blocks(design.fold_begin[fold], design.fold_begin[fold + 1], count, features,
               [&](Index first, ConstMat block) {
                 folds[fold].add(design, first, block, rows.middleCols(first, block.cols()));
                 deviation.add(first, block);
               });
    all.add(folds[fold]);
  }
  Regressed result{.means = {Vector::Zero(rows.rows()), Vector::Constant(rows.rows(), infinity)},
                   .deviation = deviation.value()};

  Matrix residuals = rows;
  for (std::size_t fold = 0; fold < num_folds; ++fold) {
    folds[fold].complement(all);
    const Matrix coefficients = solve(folds[fold], deviation.mean_square());
    if (coefficients.size() == 0) return result;
    for_blocks(design.fold_begin[fold], design.fold_begin[fold + 1], count, features,
               [&](Index first, ConstMat block) {
                 residuals.middleCols(first, block.cols()).noalias() -= coefficients.transpose() * block;
               });
  }
  result.means = weighted_means(design, residuals);
  return result;
}

}  // namespace vfe::stein
