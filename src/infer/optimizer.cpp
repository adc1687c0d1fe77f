#include "vfe/infer/optimizer.hpp"

#include <fmt/format.h>

#include <cmath>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

constexpr double first_decay = 0.9, second_decay = 0.999, tiny = 1e-8;

/// memory = first moment, second moment.
class Adam final : public Optimizer {
 public:
  explicit Adam(bool averaged) : averaged_(averaged) {}

  Index memory(Index n) const override { return 2 * n; }

  void descend(std::uint64_t step, double rate, ConstVec grad, Vec lambda, Vec memory) const override {
    const Index n = lambda.size();
    const double k = static_cast<double>(step) + 1.0;
    const double decay = averaged_ ? 1.0 - 1.0 / k : second_decay;
    auto first = memory.head(n).array(), second = memory.tail(n).array();
    first = first_decay * first + (1.0 - first_decay) * grad.array();
    second = decay * second + (1.0 - decay) * grad.array().square();
    // Decayed averages begin at zero; the plain average has no such bias.
    const double first_mass = 1.0 - std::pow(first_decay, k);
    const double second_mass = averaged_ ? 1.0 : 1.0 - std::pow(second_decay, k);
    lambda.array() -= rate * (first / first_mass) / ((second / second_mass).sqrt() + tiny);
  }

  bool settles() const override { return averaged_; }

 private:
  bool averaged_;
};

class GradientDescent final : public Optimizer {
 public:
  Index memory(Index) const override { return 0; }
  void descend(std::uint64_t, double rate, ConstVec grad, Vec lambda, Vec) const override {
    lambda -= rate * grad;
  }
  bool settles() const override { return true; }
};

}  // namespace

std::unique_ptr<Optimizer> adam(bool averaged) {
  return std::make_unique<Adam>(averaged);
}
std::unique_ptr<Optimizer> gradient_descent() {
  return std::make_unique<GradientDescent>();
}

std::unique_ptr<Optimizer> make_optimizer(const std::string& name) {
  if (name == "averaged_adam") return adam(true);
  if (name == "adam") return adam(false);
  if (name == "sgd") return gradient_descent();
  throw Error(Fault::config,
              fmt::format("[fit] optimizer: found \"{}\", expected averaged_adam, adam or sgd", name));
}

}  // namespace vfe
