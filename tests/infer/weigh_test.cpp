#include "vfe/infer/weigh.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "infer/toys.hpp"
#include "vfe/core/error.hpp"
#include "vfe/family/family.hpp"
#include "vfe/infer/left.hpp"

namespace vfe {
namespace {

const Affine unit{Vector::Zero(2), Vector::Ones(2)};

State weighed(const Target& target, const Affine& q, const WeighOptions& options = {}) {
  std::vector<Place> places;
  places.emplace_back(weigh(target, options));
  const Program program(std::move(places));
  State state = program.start();
  state.lambda = normal_lambda(q);
  const Record record = program.advance(state);
  EXPECT_TRUE(state.finished());
  EXPECT_EQ(record.draws, options.draws);
  return state;
}

TEST(Weigh, ThePosteriorItselfHasEqualWeights) {
  const toys::Toy toy(2, 1, toys::gaussian(Vector::Zero(2), Matrix::Identity(2, 2)));
  const State state = weighed(toy.target, unit);
  EXPECT_EQ(state.get(left::weighed).size(), 256);
  EXPECT_LT((state.get(left::weighed).array() - std::log(2.0 * std::numbers::pi)).abs().maxCoeff(), 1e-13);
  EXPECT_LT(weighed_variance(state), 1e-26);
  EXPECT_EQ(toy.target.calls().gradients, 0U);
}

TEST(Weigh, TheVarianceIsThatOfTheLogRatio) {
  // log f - log q = -(s - 1) x^2 / 2 + constant for a precision s in each coordinate: variance (s - 1)^2 / 2.
  const toys::Toy toy(2, 1, toys::gaussian(Vector::Zero(2), 1.5 * Matrix::Identity(2, 2)));
  EXPECT_NEAR(weighed_variance(weighed(toy.target, unit, {.draws = 20000})), 2.0 * 0.125, 0.02);
}

TEST(Weigh, IsInfiniteWhereADrawHasNoDensity) {
  const toys::Toy toy(2, 1, [](Index, ConstVec x, Vec grad) {
    grad -= x;
    return x[0] > 0.0 ? -0.5 * x.squaredNorm() : std::numeric_limits<double>::quiet_NaN();
  });
  EXPECT_EQ(weighed_variance(weighed(toy.target, unit)), std::numeric_limits<double>::infinity());
}

TEST(Weigh, NamesTheCoordinateInWhichQHasNoBounds) {
  const toys::Toy toy(2, 1, toys::gaussian(Vector::Zero(2), Matrix::Identity(2, 2)));
  try {
    weighed(toy.target, {Vector::Zero(2), Vector{{1.0, 1e200}}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::numeric);
    EXPECT_NE(std::string(error.what()).find("theta[1]"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace vfe
