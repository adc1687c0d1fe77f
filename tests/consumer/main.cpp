// Fits a density of one's own with the installed library and holds the answer against the truth.
#include <cmath>
#include <cstdio>
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/family/family.hpp"
#include "vfe/infer/fixed_draws.hpp"
#include "vfe/infer/modes.hpp"
#include "vfe/infer/polish.hpp"
#include "vfe/model/model.hpp"
#include "vfe/target/target.hpp"

namespace {

// A correlated normal without data: mean (1, -2), sds 2 and 0.5, correlation 0.8.
class CorrelatedNormal final : public vfe::Model {
 public:
  const vfe::Parameters& parameters() const override { return parameters_; }
  vfe::Index blocks() const override { return 0; }
  vfe::Index rows(vfe::Index) const override { return 0; }
  void log_prior(vfe::ConstMat theta, vfe::Vec value, vfe::Mat grad) const override {
    for (vfe::Index s = 0; s < theta.cols(); ++s) {
      const double z1 = (theta(0, s) - 1.0) / 2.0, z2 = (theta(1, s) + 2.0) / 0.5;
      const double c = 1.0 / (1.0 - 0.8 * 0.8);
      value[s] -= 0.5 * c * (z1 * z1 - 2.0 * 0.8 * z1 * z2 + z2 * z2);
      if (grad.cols() == 0) continue;
      grad(0, s) -= c * (z1 - 0.8 * z2) / 2.0;
      grad(1, s) -= c * (z2 - 0.8 * z1) / 0.5;
    }
  }
  void log_likelihood(vfe::Index, vfe::ConstMat, vfe::Vec, vfe::Mat) const override {}

 private:
  vfe::Parameters parameters_{{{"position", {{"axis", 2, {}}}}}};
};

}  // namespace

int main() {
  const CorrelatedNormal model;
  const vfe::Target target(model, vfe::Communicator::self());
  const auto family = vfe::full_rank(target.size());
  std::vector<vfe::Place> stages;
  stages.push_back(vfe::modes(target, {}));
  stages.push_back(vfe::polish(target, {}));
  stages.push_back(vfe::fixed_draws(target, *family, {}));
  const vfe::Program program(std::move(stages));

  vfe::State state = program.start();
  while (!state.finished()) program.advance(state);

  const vfe::Vector mean = family->mean(state.lambda), sd = family->standard_deviation(state.lambda);
  std::printf("mean %.4f %.4f, sd %.4f %.4f\n", mean[0], mean[1], sd[0], sd[1]);
  const bool right = std::abs(mean[0] - 1.0) < 1e-3 && std::abs(mean[1] + 2.0) < 1e-3 &&
                     std::abs(sd[0] - 2.0) < 1e-2 && std::abs(sd[1] - 0.5) < 1e-2;
  return right ? 0 : 1;
}
