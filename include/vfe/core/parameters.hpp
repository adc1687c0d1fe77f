#pragma once
#include <string>
#include <vector>

#include "vfe/core/random.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// One axis of a parameter or result: a name and, where the entries have names, those.
struct Dimension {
  std::string name;
  Index size = 0;
  std::vector<std::string> labels = {};  ///< empty, or `size` of them
  bool operator==(const Dimension&) const = default;
};

/// The map from unconstrained to constrained values of one parameter. The last axis is the one that
/// simplex and ordered bind together; correlation_cholesky binds the last two (square, lower triangle).
enum class Transform { identity, positive, bounded, simplex, ordered, correlation_cholesky };

std::string to_string(Transform transform);
Transform transform_from_string(const std::string& name);  ///< throws Fault::config

struct Parameter {
  std::string name;
  std::vector<Dimension> dimensions = {};  ///< empty for a scalar; values are row-major (last axis fastest)
  Transform transform = Transform::identity;
  double lower = 0.0, upper = 1.0;  ///< of `bounded`; `lower` also of `positive` (values above it)

  Index num_constrained() const;
  Index num_unconstrained() const;
};

/// Entries of all, constrained.
Index num_constrained(const std::vector<Parameter>& list);
/// "beta[age]", "loading[red,2]": the name of an entry of a parameter, or of all entries of a list; entries
/// without labels are numbered from 0.
std::string entry_name(const Parameter& parameter, Index entry);
std::string entry_name(const std::vector<Parameter>& list, Index entry);

/// The parameters of a model in their order: the map between theta (unconstrained, d of them) and the
/// values the user named (constrained), with its log-Jacobian. Formulas as in Stan's reference manual.
class Parameters {
 public:
  Parameters() = default;
  explicit Parameters(
      std::vector<Parameter> list);  ///< throws Fault::config on a repeated name or empty axis

  const std::vector<Parameter>& list() const { return list_; }
  Index size() const { return num_unconstrained_; }  ///< d
  Index num_constrained() const { return num_constrained_; }
  Index first_unconstrained(std::size_t parameter) const { return theta_begin_[parameter]; }
  Index first_constrained(std::size_t parameter) const { return value_begin_[parameter]; }
  const Parameter& at(const std::string& name) const;  ///< throws Fault::bug
  /// "beta[age]", "sigma": a name for each unconstrained / constrained coordinate.
  std::string unconstrained_name(Index coordinate) const;
  std::string constrained_name(Index coordinate) const;

  /// Sets `constrained` (num_constrained) and returns the log absolute Jacobian [nats].
  double constrain(ConstVec theta, Vec constrained) const;
  /// Adds the gradient of g(constrained(theta)) + log Jacobian to grad_theta, given grad_constrained of g.
  void pull_back(ConstVec theta, ConstVec grad_constrained, Vec grad_theta) const;
  /// The inverse; throws Fault::data naming the parameter when `constrained` is outside the support.
  Vector unconstrain(ConstVec constrained) const;
  /// A point drawn over the whole domain, unconstrained, a number of `at` for each coordinate: uniform on
  /// intervals and simplices, partial correlations uniform on (-1, 1); where nothing bounds a coordinate,
  /// uniform on (-radius, radius).
  Vector draw_over_domain(const Address& at, double radius) const;

 private:
  std::vector<Parameter> list_;
  std::vector<Index> theta_begin_, value_begin_;
  Index num_unconstrained_ = 0, num_constrained_ = 0;
};

}  // namespace vfe
