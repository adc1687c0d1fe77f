#include "vfe/statistics/mixing.hpp"

#include <cmath>
#include <limits>

#include "vfe/statistics/rhat.hpp"
#include "vfe/statistics/rounding.hpp"

namespace vfe {
namespace {

struct Errors {
  double mean = 0.0, sd = 0.0;
};

/// Standard error of the mean over superchains of `x`.
double standard_error(ConstVec x) {
  const double n = static_cast<double>(x.size());
  return std::sqrt((x.array() - x.mean()).square().sum() / (n - 1.0) / n);
}

/// `values` are chains x iterations, in units of their sd and centred.
Errors errors(ConstMat values, Index superchains) {
  const Index chains = values.rows() / superchains;
  Vector first(superchains), second(superchains);
  for (Index k = 0; k < superchains; ++k) {
    const auto own = values.middleRows(k * chains, chains);
    first(k) = own.mean();
    second(k) = own.squaredNorm() / static_cast<double>(own.size());
  }
  return {standard_error(first), 0.5 * standard_error(second)};
}

/// The same, of neighbours in a chain.
double lag_correlation(ConstMat values) {
  const Index pairs = values.cols() - 1;
  if (pairs < 1) return 0.0;
  const double product = values.leftCols(pairs).cwiseProduct(values.rightCols(pairs)).mean();
  return product / values.cwiseAbs2().mean();
}

void keep_larger(double value, Index at, double& largest, Index& largest_at) {
  if (value <= largest) return;
  largest = value;
  largest_at = at;
}

}  // namespace

Mixing mixing(ConstMat values, Index superchains, Index chains) {
  Mixing worst;
  for (Index i = 0; i < values.rows(); ++i) {
    Matrix own = values.row(i).reshaped(chains, values.cols() / chains);
    const double mean = own.mean();
    own.array() -= mean;
    const double sd = std::sqrt(own.squaredNorm() / static_cast<double>(own.size()));
    if (constant_to_rounding(sd, mean)) continue;
    ++worst.quantities;
    Errors found{std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
    double rhat = found.mean;
    if (std::isfinite(sd)) {
      rhat = rank_nested_rhat(own, superchains);
      found = errors(own / sd, superchains);
      keep_larger(lag_correlation(own / sd), i, worst.lag_correlation, worst.lag_correlation_at);
    }
    keep_larger(rhat, i, worst.rhat, worst.rhat_at);
    keep_larger(found.mean, i, worst.mean_error, worst.mean_error_at);
    keep_larger(found.sd, i, worst.sd_error, worst.sd_error_at);
  }
  return worst;
}

}  // namespace vfe
