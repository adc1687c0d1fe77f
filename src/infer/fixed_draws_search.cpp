#include "infer/fixed_draws_search.hpp"

#include <fmt/format.h>

#include <cmath>

namespace vfe {
namespace {

void report(const Estimate& found, const Lbfgs& search, Record& record) {
  record.free_energy = search.f();
  record.std_error = found.std_error;
  record.gradient_norm = search.g().norm();
}

}  // namespace

std::optional<Lbfgs> FixedDrawsSearch::begin(ConstVec lambda, Record& record) const {
  const Estimate found = objective_.estimate(lambda, noise_);
  record.draws += noise_.cols() * objective_.family().num_components();
  record.non_finite += found.non_finite;
  if (!std::isfinite(found.value)) {
    record.free_energy = found.value;
    record.note = "not finite: " + objective_.name_non_finite(lambda, noise_);
    return std::nullopt;
  }
  const Lbfgs search(lambda, found.value, found.grad, limits_.history);
  report(found, search, record);
  return search;
}

bool FixedDrawsSearch::advance(Lbfgs& search, Record& record) const {
  const Vector trial = search.trial();
  record.rate = search.step_length();
  const Estimate found = objective_.estimate(trial, noise_);
  record.draws += noise_.cols() * objective_.family().num_components();
  record.non_finite += found.non_finite;
  if (!std::isfinite(found.value)) {
    record.note = "not finite, step shortened: " + objective_.name_non_finite(trial, noise_);
  }
  const bool accepted = search.tell(found.value, found.grad);
  report(found, search, record);
  return accepted;
}

bool FixedDrawsSearch::converged(const Lbfgs& search) const {
  return search.decrement() < limits_.tolerance &&
         (search.iterations() >= limits_.least_iterations || search.stuck());
}

bool FixedDrawsSearch::ended(const Lbfgs& search) const {
  return converged(search) || search.stuck() || search.iterations() >= limits_.max_iterations;
}

std::string FixedDrawsSearch::outcome(const Lbfgs& search) const {
  if (converged(search)) return "converged";
  return fmt::format("not converged: decrement {:.2g} after {} iterations", search.decrement(),
                     search.iterations());
}

}  // namespace vfe
