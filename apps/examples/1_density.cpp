// A density of one's own, without data: a point in the plane, correlated, and a log-normal scale.
// Run: build/release/examples/1_density
//      mpirun -n 2 build/release/examples/1_density
#include <cmath>
#include <cstdio>
#include <numbers>

#include "vfe/vfe.hpp"

// The log density [nats] at the constrained values x: point[0], point[1], scale. Adds its gradient, if asked
// for. The Jacobian of what makes the scale positive is the model's business.
double log_density(vfe::ConstVec x, vfe::Vec grad) {
  // point ~ normal((1, -2), sds 2 and 0.5, correlation 0.8)
  const double correlation = 0.8, rest = 1.0 - correlation * correlation;
  const double u = (x[0] - 1.0) / 2.0, v = (x[1] + 2.0) / 0.5;
  const double normal = -0.5 * (u * u - 2.0 * correlation * u * v + v * v) / rest -
                        std::log(2.0 * std::numbers::pi * 2.0 * 0.5 * std::sqrt(rest));
  // log(scale) ~ normal(0.5, sd 0.4)
  const double w = (std::log(x[2]) - 0.5) / 0.4;
  const double lognormal = -0.5 * w * w - std::log(std::sqrt(2.0 * std::numbers::pi) * 0.4 * x[2]);
  if (grad.size() > 0) {
    grad[0] -= (u - correlation * v) / rest / 2.0;
    grad[1] -= (v - correlation * u) / rest / 0.5;
    grad[2] -= (w / 0.4 + 1.0) / x[2];
  }
  return normal + lognormal;
}

int main(int argc, char** argv) {
  return vfe::run(argc, argv, [](const vfe::Communicator& comm) {
    // 1. The model: its parameters, in the order of x, and the function.
    const auto model = vfe::make_model(
        {{"point", {{"axis", 2, {"x", "y"}}}}, {"scale", {}, vfe::Transform::positive}}, log_density);

    // 2. The fit. Every rank holds the whole model: the ranks share out the draws.
    const vfe::Fit found =
        vfe::fit(comm, *model, {.directory = "1_density", .existing = vfe::Existing::overwrite});

    // 3. Can it be trusted? The density is normalised, so its log evidence is 0.
    if (comm.is_root()) std::puts(found.verdict.reason.c_str());
    return vfe::trusted(found.verdict.grade) ? 0 : 2;
  });
}
