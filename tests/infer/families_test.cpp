// Fits of families that are not normal, against densities with known normalising constants.
#include <gtest/gtest.h>

#include <cmath>

#include "infer/toys.hpp"
#include "vfe/infer/exploration.hpp"
#include "vfe/infer/fixed_draws.hpp"
#include "vfe/infer/modes.hpp"
#include "vfe/infer/polish.hpp"
#include "vfe/infer/stochastic.hpp"

namespace vfe {
namespace {

Program program(const toys::Toy& toy, const Family& family, const FixedDrawsOptions& options = {}) {
  std::vector<Place> stages;
  stages.push_back(modes(toy.target, {}));
  stages.push_back(polish(toy.target, {.diagonal = !family.dense()}));
  stages.push_back(exploration(toy.target, {}));
  stages.push_back(fixed_draws(toy.target, family, options));
  return Program(std::move(stages));
}

bool converged(const State& state) {
  return state.memory.at("converged")(0, 0) == 1.0;
}

/// F at fresh draws [nats].
Estimate fresh(const toys::Toy& toy, const Family& family, ConstVec lambda) {
  Matrix noise(family.num_noise(), 20000);
  fill_normal({.seed = 99, .purpose = Purpose::check}, noise);
  const Affine identity{Vector::Zero(family.size()), Vector::Ones(family.size())};
  return FreeEnergy(toy.target, family, identity, Gradient::path).estimate(lambda, noise);
}

/// log of 0.3 N((-3, 0), diag(1, 0.5)^2) + 0.7 N((3, 1), R), with its constants: log Z = 0.
BlockLogDensity two_modes() {
  return [](Index, ConstVec x, Vec grad) {
    const Vector a = x - Vector{{-3.0, 0.0}}, b = x - Vector{{3.0, 1.0}};
    Matrix first(2, 2), second(2, 2);  // precisions
    first << 1.0, 0.0, 0.0, 4.0;
    second << 1.5, -0.6, -0.6, 1.2;
    const auto log_normal = [](const Matrix& precision, const Vector& at) {
      return 0.5 * std::log(precision.determinant()) - std::log(2.0 * M_PI) - 0.5 * at.dot(precision * at);
    };
    const double of_a = std::log(0.3) + log_normal(first, a), of_b = std::log(0.7) + log_normal(second, b);
    const double top = std::max(of_a, of_b);
    const double value = top + std::log(std::exp(of_a - top) + std::exp(of_b - top));
    grad -= std::exp(of_a - value) * (first * a) + std::exp(of_b - value) * (second * b);
    return value;
  };
}

/// x_0 ~ N(0, 1), x_1 ~ N(x_0^2 / 2, 0.5^2), normalised.
BlockLogDensity banana() {
  return [](Index, ConstVec x, Vec grad) {
    const double away = (x(1) - 0.5 * x(0) * x(0)) / 0.25;
    grad(0) += -x(0) + away * x(0);
    grad(1) -= away;
    return -std::log(2.0 * M_PI) - std::log(0.5) - 0.5 * x(0) * x(0) - 0.125 * away * away;
  };
}

TEST(Families, MixtureOfTwoNormalsIsFound) {
  const toys::Toy toy(2, 1, two_modes());
  for (const auto& [components, component] : {std::pair<Index, const char*>{2, "full_rank"}, {3, "full_rank"}}) {
    const auto family = mixture(2, components, component);
    const toys::Finished finished = toys::run(program(toy, *family));
    EXPECT_TRUE(converged(finished.state)) << finished.records.back().note;
    const Estimate found = fresh(toy, *family, finished.state.lambda);
    std::printf("mixture %d: F %g +- %g steps %zu\n", int(components), found.value, found.std_error, finished.records.size());
    EXPECT_GT(found.value, -4.0 * found.std_error);
    EXPECT_LT(found.value, 0.01);
  }
  const auto normal = full_rank(2);
  const Estimate found = fresh(toy, *normal, toys::run(program(toy, *normal)).state.lambda);
  std::printf("full %g +- %g\n", found.value, found.std_error);
}

TEST(Families, FlowBendsToTheBanana) {
  const toys::Toy toy(2, 1, banana());
  double before = 1e9;
  for (const char* name : {"full_rank", "flow", "coupling", "mixture"}) {
    const auto family = make_family(name, 2, 2);
    const toys::Finished finished = toys::run(program(toy, *family));
    EXPECT_TRUE(converged(finished.state)) << finished.records.back().note;
    const Estimate found = fresh(toy, *family, finished.state.lambda);
    std::printf("%s F %g +- %g steps %zu fixed %g\n", name, found.value, found.std_error, finished.records.size(), finished.records.back().free_energy);
  }
  (void)before;
}

}  // namespace
}  // namespace vfe
