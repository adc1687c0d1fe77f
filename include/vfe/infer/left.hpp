#pragma once
#include "vfe/core/slot.hpp"
#include "vfe/family/affine.hpp"
#include "vfe/family/proposal.hpp"
#include "vfe/infer/exploration.hpp"
#include "vfe/infer/symmetry.hpp"
#include "vfe/infer/tempering.hpp"

namespace vfe {

/// A Laplace approximation of the posterior at a point.
struct Laplace {
  Affine map;                 ///< scale d x d lower, or d x 1
  double log_evidence = 0.0;  ///< its estimate of it [nats]
  bool definite = false;      ///< the Hessian was positive definite and the mode converged
};

/// What short chains said of weighted draws.
enum class AuditOutcome { none, passed, failed };

template <>
struct Packing<Affine> {
  static Matrix pack(const Affine& value);  ///< shift, then the columns of scale
  static Affine unpack(const Matrix& written);
};
template <>
struct Packing<Laplace> {
  static Matrix pack(const Laplace& value);  ///< its map below a row that begins with the two numbers
  static Laplace unpack(const Matrix& written);
};

/// All that crosses from one stage to another, and to what comes after them; State::lambda, q, apart. What a
/// stage alone needs from step to step has slots of its own, and is dropped when it ends.
namespace left {

/// By the run, where fewer did not do: of "quadrature".
inline const Slot<Index> least_nodes{"least_nodes"};
/// By "quadrature": nodes for each effect of groups.
inline const Slot<Index> nodes{"nodes"};

// By "modes".
inline const Slot<Matrix> searches{"searches"};  ///< a packed Lbfgs in each column, best first: to polish
inline const Slot<Matrix> search_ends{"search_ends"};  ///< (d + 2) x n: theta, -log f, whether it is an end:
                                                       ///< to exploration

// By "polish"; "exploration" and further looks change them.
/// In which later stages are whitened. Not definite: there is no proper mode, and it is the best by free
/// energy of a Laplace approximation and three wide normals.
inline const Slot<Laplace> base{"base"};
/// The Laplace approximations (normals, diagonal where the base is) of the proper modes found, with their
/// Laplace weights; the base first. Just the base where it is no proper mode.
inline const Slot<Proposal> found_modes{"found_modes"};

// By "exploration" and further looks.
inline const Slot<SearchReport> searched{"searched"};  ///< empty where there was no proper mode to start from
inline const Slot<Symmetries> symmetries{"symmetries"};  ///< empty: none are known

// By "tempering"; read by tempering_report().
inline const Slot<Tempered> tempered{"tempered"};
inline const Slot<Vector> tempered_islands{"tempered_islands"};  ///< log evidence by island [nats]
inline const Slot<Matrix> tempered_particles{
    "tempered_particles"};  ///< (d + 1) x N: theta and log f, by island

// By "fixed_draws", "diagonal_fit" and "stochastic".
inline const Slot<bool> converged{"converged"};

// By "weigh".
inline const Slot<Vector> weighed{"weighed"};  ///< log f - log q of fresh draws of q [nats]

// By "importance"; what it drew is read by weighted_pool(), and what chains kept by chain_draws().
inline const Slot<bool> importance_enough{"importance_enough"};  ///< whether the rule was satisfied

// By audits; none again when new draws are drawn.
inline const Slot<AuditOutcome> audited{"audited"};

/// By a further look of that name: how many modes more are kept.
inline Slot<Index> found_by(const std::string& look) {
  return {look + "_found"};
}

}  // namespace left

/// Where the modes found are: d x K; without columns where no stage has looked for modes.
Matrix centres_of_modes(const State& state);

}  // namespace vfe
