#include "vfe/statistics/distributions.hpp"

#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>

namespace vfe {
namespace {

// In double precision throughout: a long double has its own digits on each kind of processor, and is slow.
using Policy = boost::math::policies::policy<boost::math::policies::promote_double<false>>;

}  // namespace

double normal_quantile(double p) {
  return boost::math::quantile(boost::math::normal_distribution<double, Policy>(), p);
}

double chi_square_exceeded(double above, double freedom) {
  const boost::math::chi_squared_distribution<double, Policy> distribution(freedom);
  return boost::math::quantile(boost::math::complement(distribution, above));
}

double student_exceeded(double above, Index freedom) {
  const boost::math::students_t_distribution<double, Policy> distribution(static_cast<double>(freedom));
  return boost::math::quantile(boost::math::complement(distribution, above));
}

}  // namespace vfe
