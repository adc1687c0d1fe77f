// Densities that mislead, with exact answers: a fit may fail on them, but must not call a wrong answer right.
#pragma once
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <ostream>
#include <string>
#include <vector>

#include "reference/density.hpp"
#include "reference/edges.hpp"
#include "reference/many_modes.hpp"
#include "reference/periodic.hpp"
#include "reference/rotation.hpp"
#include "reference/sparse_logistic.hpp"
#include "reference/symmetries.hpp"

namespace vfe {

/// x ~ normal(0, 1), y ~ normal(x^2, 1/2).
inline ExactTarget banana() {
  return density_target("banana", differentiate([](const auto& x) {
                          using Scalar = std::decay_t<decltype(x[0])>;
                          return log_normal_density<Scalar>(x[0], 0.0, 1.0) +
                                 log_normal_density<Scalar>(x[1], x[0] * x[0], 0.5);
                        }),
                        Vector{{0.0, 1.0}}, Vector{{1.0, 1.5}}, 0.0);
}

/// v ~ normal(0, 3), nine x ~ normal(0, exp(v / 2)), of variance E exp(v) = exp(9 / 2) (Neal 2003).
inline ExactTarget funnel() {
  Vector sd = Vector::Constant(10, std::exp(9.0 / 4.0));
  sd[0] = 3.0;
  return density_target("funnel", differentiate([](const auto& x) {
                          using Scalar = std::decay_t<decltype(x[0])>;
                          using std::exp;
                          Scalar sum = log_normal_density<Scalar>(x[0], 0.0, 3.0);
                          const Scalar scale = exp(0.5 * x[0]);
                          for (Index i = 1; i < 10; ++i) sum += log_normal_density<Scalar>(x[i], 0.0, scale);
                          return sum;
                        }),
                        Vector::Zero(10), sd, 0.0);
}

/// 0.9 normal((-1, 0), I / 9) + 0.1 normal((1, 0), I / 9): both within reach of the starts.
inline ExactTarget two_modes_six_sd_apart() {
  return density_target("modes_6_sd", differentiate([](const auto& x) {
                          using Scalar = std::decay_t<decltype(x[0])>;
                          const double sd = 1.0 / 3.0;
                          const Scalar y = log_normal_density<Scalar>(x[1], 0.0, sd);
                          return y + log_mixture<Scalar>(0.9, log_normal_density<Scalar>(x[0], -1.0, sd),
                                                         log_normal_density<Scalar>(x[0], 1.0, sd));
                        }),
                        Vector{{-0.8, 0.0}}, Vector{{std::sqrt(1.0 / 9.0 + 0.36), 1.0 / 3.0}}, 0.0);
}

/// 0.9 normal(0, I) + 0.1 normal((10, 0), I): no start meets the second mode, the exploration has to.
inline ExactTarget two_modes_ten_sd_apart() {
  return density_target("modes_10_sd", differentiate([](const auto& x) {
                          using Scalar = std::decay_t<decltype(x[0])>;
                          const Scalar y = log_normal_density<Scalar>(x[1], 0.0, 1.0);
                          return y + log_mixture<Scalar>(0.9, log_normal_density<Scalar>(x[0], 0.0, 1.0),
                                                         log_normal_density<Scalar>(x[0], 10.0, 1.0));
                        }),
                        Vector{{1.0, 0.0}}, Vector{{std::sqrt(10.0), 1.0}}, 0.0);
}

/// 0.3 normal(0, 0.05^2 I) + 0.7 normal(0, I) in d dimensions.
inline ExactTarget spike_in_a_slab(Index d) {
  const double sd = std::sqrt(0.3 * 0.05 * 0.05 + 0.7);
  return density_target(d == 1 ? "spike" : "spike_" + std::to_string(d) + "d",
                        differentiate([](const auto& x) {
                          using Scalar = std::decay_t<decltype(x[0])>;
                          Scalar spike = 0.0, slab = 0.0;
                          for (Index i = 0; i < x.size(); ++i) {
                            spike += log_normal_density<Scalar>(x[i], 0.0, 0.05);
                            slab += log_normal_density<Scalar>(x[i], 0.0, 1.0);
                          }
                          return log_mixture<Scalar>(0.3, spike, slab);
                        }),
                        Vector::Zero(d), Vector::Constant(d, sd), 0.0);
}

/// Two independent ones; variance 3, no fourth moment.
inline ExactTarget student_with_three_degrees_of_freedom() {
  return density_target("student_3", differentiate([](const auto& x) {
                          using std::log;
                          return -2.0 * (log(1.0 + x[0] * x[0] / 3.0) + log(1.0 + x[1] * x[1] / 3.0));
                        }),
                        Vector::Zero(2), Vector::Constant(2, std::sqrt(3.0)),
                        2.0 * std::log(0.5 * std::sqrt(3.0) * std::numbers::pi));
}

/// An exponential on the half line.
inline ExactTarget boundary_without_a_transform() {
  return density_target(
      "boundary",
      [](ConstVec x, Vec grad) {
        if (grad.size() > 0) grad[0] -= 1.0;
        return x[0] > 0.0 ? -x[0] : -std::numeric_limits<double>::infinity();
      },
      Vector{{1.0}}, Vector{{1.0}}, 0.0);
}

/// sds from 1 to sqrt(condition) on axes rotated by four reflections.
inline ExactTarget rotated_gaussian(Index d, double condition, const std::string& name) {
  const Rotation rotation(d, 4);
  Vector sd(d);
  for (Index i = 0; i < d; ++i)
    sd[i] = std::pow(condition, 0.5 * static_cast<double>(i) / static_cast<double>(d - 1));
  const Vector mean = rotation.apply(0.3 * sd);
  return density_target(
      name,
      [rotation, sd, mean](ConstVec x, Vec grad) {
        const Vector z = (rotation.apply_transpose(x - mean).array() / sd.array()).matrix();
        if (grad.size() > 0) grad -= rotation.apply((z.array() / sd.array()).matrix());
        return -0.5 * z.squaredNorm();
      },
      mean, rotation.sds(sd),
      0.5 * static_cast<double>(d) * std::log(2.0 * std::numbers::pi) + sd.array().log().sum());
}

/// Improper in the second direction.
inline ExactTarget flat_direction() {
  return improper_target("flat", 2, [](ConstVec x, Vec grad) {
    if (grad.size() > 0) grad[0] -= x[0];
    return -0.5 * x[0] * x[0];
  });
}

/// Not a number beyond two sds, which q cannot know.
inline ExactTarget region_without_a_density() {
  return improper_target("nan_region", 2, [](ConstVec x, Vec grad) {
    if (grad.size() > 0) grad -= x;
    return x[0] > 2.0 ? std::numeric_limits<double>::quiet_NaN() : -0.5 * x.squaredNorm();
  });
}

/// A target that is made when it is wanted: some integrate first.
struct Trap {
  std::string name;  ///< of the target
  std::function<ExactTarget()> make;
};
/// For GoogleTest, which would print the bytes.
inline void PrintTo(const Trap& trap, std::ostream* out) {
  *out << trap.name;
}

/// "modes20_10": two modes in 20 dimensions, the smaller of 10 %. Starts fall to both, or, "_aside", to the
/// larger alone.
inline std::vector<Trap> far_modes(Index d) {
  std::vector<Trap> list;
  for (const int percent : {10, 1}) {
    for (const bool aside : {false, true}) {
      const std::string name =
          "modes" + std::to_string(d) + "_" + std::to_string(percent) + (aside ? "_aside" : "");
      list.push_back(
          {name,
           [=] { return two_far_modes(name, d, aside ? 0.0 : -4.0, 0.01 * static_cast<double>(percent)); }});
    }
  }
  return list;
}

/// All but the far modes in 2, 20 and 100 dimensions.
inline std::vector<Trap> traps() {
  return {{"banana", banana},
          {"funnel", funnel},
          {"modes_6_sd", two_modes_six_sd_apart},
          {"modes_10_sd", two_modes_ten_sd_apart},
          {"spike", [] { return spike_in_a_slab(1); }},
          {"spike_2d", [] { return spike_in_a_slab(2); }},
          {"student_3", student_with_three_degrees_of_freedom},
          {"boundary", boundary_without_a_transform},
          {"gauss100_1e6", [] { return rotated_gaussian(100, 1e6, "gauss100_1e6"); }},
          {"ill_scaled_logistic", ill_scaled_logistic},
          {"flat", flat_direction},
          {"nan_region", region_without_a_density},
          {"frequency", frequency},
          {"frequency3", frequency_of_three_peaks},
          {"phase", phase},
          {"labels3", label_switching},
          {"signs", sign_flips},
          {"simplex_corner", mode_in_a_corner},
          {"lattice30", thirty_modes},
          {"lattice400", hundreds_of_modes},
          {"circle", [] { return circle("circle", 0.1); }},
          {"circle_thin", [] { return circle("circle_thin", 0.02); }},
          {"unbounded", unbounded_density},
          {"rising", rising_density},
          {"exchange_priors", exchange_broken_by_priors},
          {"exchange_label", exchange_broken_by_a_label},
          {"ends_3_4", [] { return mass_at_both_ends("ends_3_4", 0.3, 0.4); }},
          {"ends_5_5", [] { return mass_at_both_ends("ends_5_5", 0.5, 0.5); }},
          {"ends_modes", modes_at_both_ends},
          {"prior", posterior_equal_to_its_prior}};
}

inline std::vector<Trap> all_traps() {
  std::vector<Trap> list = traps();
  for (const Index d : {2, 20, 100})
    for (const Trap& trap : far_modes(d)) list.push_back(trap);
  return list;
}

}  // namespace vfe
