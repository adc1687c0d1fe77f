// Data that say nothing of a column, or cannot be true.
#include <cmath>

#include "reference/posterior.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"
#include "vfe/program/sample.hpp"

namespace vfe {
namespace {

class HardData : public Posterior {};

/// Normal columns and the response of a coin.
Table table(Index rows, Index columns) {
  Matrix noise(columns + 1, rows);
  fill_normal({5, Purpose::simulate}, noise);
  Table result{noise.topRows(columns).transpose(), Vector(rows)};
  for (Index i = 0; i < rows; ++i) result.y[i] = noise(columns, i) > 0.0;
  return result;
}

const Variable& beta(const ResultFile& result) {
  return result.variable("posterior", "beta");
}

TEST_F(HardData, ConstantColumnKeepsItsPrior) {
  Table constant = table(300, 2);
  constant.x.col(1).setZero();
  const ResultFile result = run(config(write(constant, 64)));
  const Variable& draws = beta(result);
  double square = 0.0;
  for (std::size_t i = 1; i < draws.values.size(); i += 2) square += draws.values[i] * draws.values[i];
  EXPECT_NEAR(std::sqrt(square / (0.5 * static_cast<double>(draws.values.size()))), 2.5, 0.15);
  EXPECT_EQ(text(result, "verdict"), "certified") << text(result, "reason");
}

TEST_F(HardData, FaultsB7AnInterceptAloneIsFitted) {
  const Table coins = table(40, 0);
  const double heads = coins.y.sum();
  // By quadrature, of the log odds with their normal prior of sd 10.
  double mass = 0.0, first = 0.0, second = 0.0;
  for (double odds = -8.0; odds <= 8.0; odds += 1e-3) {
    const double density = std::exp(heads * odds - 40.0 * std::log1p(std::exp(odds)) + 40.0 * std::log(2.0) -
                                    odds * odds / 200.0);
    mass += density;
    first += density * odds;
    second += density * odds * odds;
  }
  const double mean = first / mass, sd = std::sqrt(second / mass - mean * mean);
  Config alone = config(write(coins, 16));
  alone.family.type = "auto";
  const ResultFile result = run(alone);
  EXPECT_EQ(text(result, "verdict"), "certified") << text(result, "reason");
  const Moments moments = moments_of(result);
  EXPECT_NEAR(moments.mean[0], mean, 0.05 * sd);
  EXPECT_NEAR(moments.sd[0], sd, 0.03 * sd);
}

/// Of normal noise the data say of nu that it is large, and its prior, gamma(2, 0.1), has all moments.
TEST_F(HardData, FaultsDDegreesOfFreedomOfNormalNoiseAreCertified) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    Config noise = config(write(linear_rows(300, 1, 1.0), 64));
    noise.model.type = "student_t";
    noise.model.glm.likelihood = Likelihood::student_t;
    noise.family.type = "auto";
    noise.fit.seed = seed;
    const ResultFile result = run(noise);
    EXPECT_EQ(text(result, "verdict"), "certified") << text(result, "reason");
    EXPECT_LT(std::get<std::int64_t>(result.attributes.at("gradients")), 10'000);
  }
}

TEST_F(HardData, ResponseOutsideTheSupportNamesItsRow) {
  Table bad = table(100, 2);
  bad.y[41] = 2.0;
  try {
    run(config(write(bad, 16)));
    FAIL() << "a response of 2 was taken for a class";
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data);
    EXPECT_NE(std::string(error.what()).find("row 41"), std::string::npos) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace vfe
