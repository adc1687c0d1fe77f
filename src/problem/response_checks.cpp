#include "problem/response_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/core/exact_sum.hpp"

namespace vfe {
namespace {

/// As an integer of the same order.
std::int64_t ordered(double value) {
  const auto bits = std::bit_cast<std::int64_t>(value + 0.0);  // -0 is 0
  return bits >= 0 ? bits : std::numeric_limits<std::int64_t>::min() - bits;
}

/// [collective] An offset is added to the log of a count's mean: one whose exponential is no double is the
/// exposure itself.
void require_log_offsets(const Communicator& comm, const GlmOptions& model, const std::string& file,
                         const ResponseOfShard& response) {
  constexpr std::int64_t most = 700;
  const Likelihood likelihood = model.likelihood;
  if (likelihood != Likelihood::poisson && likelihood != Likelihood::negative_binomial) return;
  // Rounded up, and no larger than an integer can be.
  auto reached = static_cast<std::int64_t>(std::ceil(std::min(response.largest_offset, 0x1p62)));
  comm.max({&reached, 1});
  if (reached <= most) return;
  throw Error(Fault::data,
              fmt::format("{}: offsets reach {}, expected at most {}: they are added to the log of the mean; "
                          "import the log of the exposure",
                          file, reached, most));
}

/// [collective] Around a response that is the same in every row, the density of sigma has no bound.
void require_varied(const Communicator& comm, const GlmOptions& model, const std::string& file,
                    const ResponseOfShard& response) {
  if (!is_real(model.likelihood) || model.known_sigma) return;
  const Vector& y = response.y;
  std::int64_t least = std::numeric_limits<std::int64_t>::max(), greatest = -least;
  if (y.size() > 0) {
    least = ordered(y.minCoeff());
    greatest = ordered(y.maxCoeff());
  }
  comm.min({&least, 1});
  comm.max({&greatest, 1});
  if (least != greatest) return;
  // Every rank that has rows knows the value; those without would say something else.
  comm.collectively("loading data", [&] {
    if (y.size() == 0) return;
    throw Error(Fault::data, fmt::format("{}: response \"{}\" is {} in every row, expected different values: "
                                         "there is nothing to explain",
                                         file, response.schema.response, y[0]));
  });
}

/// [collective] Where no level is named, the classes are all numbers below their count, whether there are
/// rows of them or not: one without rows is a slip of the coding.
void require_classes(const Communicator& comm, const GlmOptions& model, const std::string& file,
                     const ResponseOfShard& response) {
  if (model.likelihood != Likelihood::softmax || !response.schema.response_levels.empty()) return;
  std::vector<std::int64_t> rows(static_cast<std::size_t>(response.schema.response_classes), 0);
  for (const double y : response.y) ++rows[static_cast<std::size_t>(y)];
  comm.sum(rows);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (rows[k] > 0) continue;
    throw Error(
        Fault::data,
        fmt::format("{}: response \"{}\": no row is of class {}, expected classes 0 to {} with rows of "
                    "each (/response_levels names the classes, /response_numbers the numbers that stand "
                    "for them)",
                    file, response.schema.response, k, rows.size() - 1));
  }
}

/// [collective] Sums over all rows, alike on every rank: of y, its square, and whether it is beyond a limit.
struct Sums {
  double rows = 0.0, y = 0.0, squares = 0.0, beyond = 0.0;
};

Sums sums_over_rows(const Communicator& comm, ConstVec y, double limit) {
  ExactSum sums(4);
  for (const double value : y) {
    const double terms[] = {1.0, value, value * value, std::abs(value) > limit ? 1.0 : 0.0};
    sums.add(terms);
  }
  sums.normalise();
  comm.sum(sums.limbs());
  double found[4];
  sums.value(found);
  return {found[0], found[1], found[2], found[3]};
}

/// [collective] Default priors are of a response whose sd is about 1. One that is stored raw, of whose
/// moments the file says nothing, may be far from it, and then the prior of sigma pulls more than the rows
/// do: of n rows it moves sigma by about (sigma / scale)^2 / 2n of itself.
void require_units(const Communicator& comm, const GlmOptions& model, const std::string& file,
                   const ResponseOfShard& response) {
  const Schema& schema = response.schema;
  const bool known = schema.response_centre != 0.0 || schema.response_scale != 1.0;
  if (!is_real(model.likelihood) || model.known_sigma || known) return;
  const double far = 10.0 * model.intercept_prior_scale;
  const Sums sums = sums_over_rows(comm, response.y, far);
  const double mean = sums.y / sums.rows,
               sd = std::sqrt(std::max(0.0, sums.squares / sums.rows - mean * mean));
  const double most = model.scale_prior_scale * std::sqrt(2.0 * sums.rows);
  // Outliers, which student_t is for, make any sd; of its rows half must be far away.
  const bool typical = model.likelihood == Likelihood::linear || 2.0 * sums.beyond > sums.rows;
  if (std::isfinite(sd) && (!typical || (sd <= most && std::abs(mean) <= 10.0 * far))) return;
  throw Error(
      Fault::data,
      fmt::format("{}: response \"{}\" has mean {:.6g} and sd {:.6g}, but priors are in its own units, of "
                  "which they take it to have about 1: write these as attributes response_mean and "
                  "response_sd, or set model.scale_prior_scale and the other scales",
                  file, schema.response, mean, sd));
}

}  // namespace

void require_fit_response(const Communicator& comm, const GlmOptions& model, const std::string& file,
                          const ResponseOfShard& response) {
  require_log_offsets(comm, model, file, response);
  require_varied(comm, model, file, response);
  require_classes(comm, model, file, response);
  require_units(comm, model, file, response);
}

}  // namespace vfe
