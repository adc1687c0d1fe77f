#include "vfe/infer/modes.hpp"

#include <gtest/gtest.h>

#include "infer/toys.hpp"
#include "vfe/core/error.hpp"
#include "vfe/infer/left.hpp"

namespace vfe {
namespace {

State search(const toys::Toy& toy, const ModesOptions& options = {}, bool copy = false) {
  std::vector<Place> stages;
  stages.push_back(modes(toy.target, options));
  return toys::run(Program(std::move(stages)), copy).state;
}

TEST(Modes, FindsTheModeOfANormalFromEveryStart) {
  const Vector mean{{3.0, -1.0, 0.5}};
  const toys::Toy toy(3, 1, toys::gaussian(mean, toys::random_precision(3, 1)));
  const State state = search(toy);
  ASSERT_EQ(state.get(left::searches).cols(), 8);
  EXPECT_EQ(state.memory.size(), 2U);
  for (Index k = 0; k < 8; ++k) EXPECT_LT((mode_of(state, k, 3).x() - mean).norm(), 1e-2);
}

TEST(Modes, OrdersTwoModesByHeight) {
  // Normals of sd 0.3 at -2 (weight 0.3) and 2 (0.7).
  const toys::Toy toy(1, 1, [](Index, ConstVec x, Vec grad) {
    const auto at = [&](double centre) { return -0.5 * (x(0) - centre) * (x(0) - centre) / 0.09; };
    const double a = std::log(0.3) + at(-2.0), b = std::log(0.7) + at(2.0), top = std::max(a, b);
    const double value = top + std::log(std::exp(a - top) + std::exp(b - top));
    grad(0) -= (std::exp(a - value) * (x(0) + 2.0) + std::exp(b - value) * (x(0) - 2.0)) / 0.09;
    return value;
  });
  const State state = search(toy);
  EXPECT_NEAR(mode_of(state, 0, 1).x()(0), 2.0, 1e-2);
  EXPECT_NEAR(mode_of(state, 7, 1).x()(0), -2.0, 1e-2);
}

TEST(Modes, RedrawsStartsThatAreNotFinite) {
  // Supported on x > 1.5 alone, an eighth of the starting interval.
  const toys::Toy toy(1, 1, [](Index, ConstVec x, Vec grad) {
    if (x(0) <= 1.5) return std::numeric_limits<double>::quiet_NaN();
    grad(0) += 2.0 / (x(0) - 1.5) - 1.0;
    return 2.0 * std::log(x(0) - 1.5) - x(0);
  });
  const State state = search(toy);
  ASSERT_EQ(state.get(left::searches).cols(), 8);
  EXPECT_NEAR(mode_of(state, 7, 1).x()(0), 3.5, 1e-2);
}

TEST(Modes, WithoutAFiniteStartTheErrorNamesWhatIsNotFinite) {
  const toys::Toy toy(2, 1, [](Index, ConstVec, Vec) { return std::numeric_limits<double>::quiet_NaN(); });
  try {
    search(toy);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::numeric);
    EXPECT_NE(std::string(error.what()).find("starting point"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("block"), std::string::npos) << error.what();
  }
}

TEST(Modes, ResumesBetweenAnyTwoStepsWithTheSameBits) {
  const Matrix x = toys::random_matrix(40, 4, 7);
  const Vector y = (x.col(0).array() > 0.2).cast<double>();
  const toys::Toy toy(4, 1, toys::logistic(x, y, 1.0));
  EXPECT_EQ(hash(search(toy)), hash(search(toy, {}, true)));
  EXPECT_NE(hash(search(toy)), hash(search(toy, {.seed = 2})));
}

}  // namespace
}  // namespace vfe
