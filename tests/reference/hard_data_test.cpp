// Data on which a plain fit would break: collinear, separable, constant, a single row.
#include <cmath>

#include "reference/posterior.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

class HardData : public Posterior {};

/// Normal columns and a response of 0 and 1 that is their first column's sign, or a coin's.
Table table(Index rows, Index columns, bool separable) {
  Matrix noise(columns + 1, rows);
  fill_normal({5, Purpose::simulate}, noise);
  Table result{noise.topRows(columns).transpose(), Vector(rows)};
  for (Index i = 0; i < rows; ++i) result.y[i] = noise(separable ? 0 : columns, i) > 0.0;
  return result;
}

const Variable& beta(const ResultFile& result) {
  return result.variable("posterior", "beta");
}

double mean_of(const Variable& variable, Index column) {
  const Index columns = variable.dimensions.back().size;
  double sum = 0.0;
  Index count = 0;
  for (Index i = column; i < static_cast<Index>(variable.values.size()); i += columns, ++count)
    sum += variable.values[static_cast<std::size_t>(i)];
  return sum / static_cast<double>(count);
}

TEST_F(HardData, CollinearColumnsShareTheirEffectUnderThePrior) {
  Table twins = table(500, 3, false);
  twins.x.col(1) = twins.x.col(0);
  const ResultFile result = run(config(write(twins, 64)));
  EXPECT_NE(text(result, "verdict"), "rejected") << text(result, "reason");
  EXPECT_NEAR(mean_of(beta(result), 0), mean_of(beta(result), 1), 0.3);  // prior sd 2.5 each, 4000 draws
}

TEST_F(HardData, SeparableClassesAreHeldByThePrior) {
  const ResultFile result = run(config(write(table(200, 2, true), 64)));
  EXPECT_TRUE(std::isfinite(number(result, "free_energy"))) << text(result, "reason");
  EXPECT_GT(mean_of(beta(result), 0), 2.0);
  EXPECT_LT(mean_of(beta(result), 0), 25.0);
}

TEST_F(HardData, ConstantColumnKeepsItsPrior) {
  Table constant = table(300, 2, false);
  constant.x.col(1).setZero();
  const ResultFile result = run(config(write(constant, 64)));
  const Variable& draws = beta(result);
  double square = 0.0;
  for (std::size_t i = 1; i < draws.values.size(); i += 2) square += draws.values[i] * draws.values[i];
  EXPECT_NEAR(std::sqrt(square / (0.5 * static_cast<double>(draws.values.size()))), 2.5, 0.15);
  EXPECT_EQ(text(result, "verdict"), "certified") << text(result, "reason");
}

TEST_F(HardData, OneRow) {
  const ResultFile result = run(config(write(table(1, 2, false), 64)));
  EXPECT_TRUE(std::isfinite(number(result, "free_energy"))) << text(result, "reason");
}

TEST_F(HardData, ResponseOutsideTheSupportNamesItsRow) {
  Table bad = table(100, 2, false);
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
