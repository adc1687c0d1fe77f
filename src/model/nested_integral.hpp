#pragma once
#include <vector>

#include "vfe/model/gauss_hermite.hpp"
#include "vfe/model/local_model.hpp"

namespace vfe {

/// The integral over the latent variables u of outer groups and v_c of the groups c within them, z_c = (u,
/// v_c), of the product over c of the joint densities of a LocalDensity and of normal(0, 1) for u, at one
/// theta: Gauss and Hermite's rule over u, around the mode of all, and at each node over each v_c alone,
/// spread by the Cholesky factor of the whole scale matrix, whose only blocks beside its diagonal are those
/// of u with each v_c. Centres move with u by that factor, linearly.
class NestedIntegral {
 public:
  /// `first` is the first group of each outer group, then the number of groups.
  NestedIntegral(LocalDensity& density, const GaussHermite& outer, const GaussHermite& inner,
                 const std::vector<Index>& first);

  /// Sets the log integral of each outer group, and adds their gradient by theta unless it is empty; false
  /// where they cannot be computed.
  bool compute(Vec value, Vec grad);

  /// Sets, after compute(), moments of v_c by the rule: k2 x groups, and second moments, k2^2 x groups.
  void moments(Mat first, Mat second);

  /// No more latent variables of a group and its outer one.
  static constexpr Index most_latents = 16;

 private:
  using Small =
      Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, most_latents, most_latents>;
  using SmallVector = Eigen::Matrix<double, Eigen::Dynamic, 1, Eigen::ColMajor, most_latents, 1>;
  /// A symmetric matrix over u and all v_c of an outer group: of u, of each v_c, of u with v_c.
  struct Arrow;

  Index outers() const { return static_cast<Index>(first_.size()) - 1; }
  bool find_modes();
  bool factor();
  bool sum(Vec value);
  void add_gradient(Vec grad);
  /// z of a group at all nodes, those of u running slowest, K x (outer nodes x inner nodes).
  void set_points(Index outer, Index group);
  /// Of a group at its points: shares of the integral of its outer group.
  Vector shares(Index outer, Index group);
  Arrow arrow(const Matrix& of, Index outer) const;

  LocalDensity& density_;
  const GaussHermite &outer_, &inner_;
  const std::vector<Index>& first_;
  const Index k1_, k2_, k_, groups_;
  Matrix u_, v_;                      // modes: k1 x outer groups, k2 x groups
  Matrix slope_, curvature_, scale_;  // at these, by group
  std::vector<Small> outer_inverse_;  // of each outer group: C0'^-1
  std::vector<Small> inner_inverse_;  // of each group: C_c'^-1 ...
  std::vector<Small> tilt_;           // ... and M_c, k1 x k2: v_c moves by -M_c' with u
  Vector log_det_;                    // of each outer group, of all factors
  std::vector<Vector> share_;         // of each outer group, by node of u
  Matrix points_, point_slope_;       // z, and slopes there
  Vector at_point_;
};

}  // namespace vfe
