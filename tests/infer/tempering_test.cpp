#include "vfe/infer/tempering.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "infer/toys.hpp"
#include "vfe/core/error.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/modes.hpp"
#include "vfe/infer/polish.hpp"

namespace vfe {
namespace {

constexpr double near_starts = 2.0, far_starts = 10.0;
const double half_log_two_pi = 0.5 * std::log(2.0 * std::numbers::pi);

Program program(const Target& target, const TemperingOptions& options, double radius = near_starts) {
  std::vector<Place> stages;
  stages.emplace_back(modes(target, {.starts = 32, .radius = radius}));
  stages.emplace_back(polish(target, {}));
  stages.emplace_back(tempering(target, options));
  return Program(std::move(stages));
}

TemperingReport report_of(const toys::Toy& toy, const TemperingOptions& options = {},
                          double radius = near_starts) {
  return tempering_report(toys::run(program(toy.target, options, radius)).state).value();
}

/// weight N(0, I) + (1 - weight) N((8, 0, ...), I), of evidence 1.
BlockLogDensity two_normals(double weight) {
  return [=](Index, ConstVec x, Vec grad) {
    Vector other = x;
    other[0] -= 8.0;
    const double a = std::log(weight) - 0.5 * x.squaredNorm(),
                 b = std::log(1.0 - weight) - 0.5 * other.squaredNorm();
    const double top = std::max(a, b), value = top + std::log(std::exp(a - top) + std::exp(b - top));
    grad -= std::exp(a - value) * x + std::exp(b - value) * other;
    return value - static_cast<double>(x.size()) * half_log_two_pi;
  };
}

/// A normal of evidence 1.
BlockLogDensity normal_density(double mean, double sd) {
  return [=](Index, ConstVec x, Vec grad) {
    const Vector z = ((x.array() - mean) / sd).matrix();
    grad -= z / sd;
    return -0.5 * z.squaredNorm() - static_cast<double>(x.size()) * (half_log_two_pi + std::log(sd));
  };
}

TEST(Tempering, AgreesWhereAllModesWereFound) {
  const toys::Toy toy(2, 1, two_normals(0.7));
  const TemperingReport report = report_of(toy, {}, far_starts);
  EXPECT_TRUE(report.complete());
  EXPECT_NEAR(report.log_evidence, 0.0, 0.1);
  EXPECT_LT(report.log_evidence_error, 0.1);
  ASSERT_EQ(report.shares.size(), 2);
  EXPECT_NEAR(report.shares[0], 0.7, 0.1);
  EXPECT_NEAR(report.shares.sum(), 1.0, 1e-12);
  EXPECT_LT(report.strange, 0.01);
  EXPECT_TRUE(agrees(report, 0.0, 0.0));
}

TEST(Tempering, ObjectsToAnEvidenceWithoutTheModeThatHoldsMost) {
  for (const Index d : {2, 12}) {
    const toys::Toy toy(d, 1, two_normals(0.03));
    const State state = toys::run(program(toy.target, {})).state;
    ASSERT_EQ(state.get(left::found_modes).num_components(), 1);
    const TemperingReport report = tempering_report(state).value();
    EXPECT_NEAR(report.log_evidence, 0.0, 4.0 * report.log_evidence_error) << d;
    EXPECT_NEAR(report.strange, 0.97, 0.1) << d;
    EXPECT_FALSE(agrees(report, std::log(0.03), 0.01)) << d;
    EXPECT_TRUE(agrees(report, 0.0, 0.01)) << d;
    // One of the points to search from is in the other mode.
    ASSERT_GT(report.strangers.cols(), 0);
    EXPECT_LT((report.strangers.row(0).array() - 8.0).abs().minCoeff(), 3.0);
  }
}

TEST(Tempering, PointsAtAModeWithAThirdOfTheMass) {
  const toys::Toy toy(12, 1, two_normals(2.0 / 3.0));
  const TemperingReport report = report_of(toy);
  EXPECT_NEAR(report.strange, 1.0 / 3.0, 0.2);
  ASSERT_GT(report.strangers.cols(), 0);
  EXPECT_LT((report.strangers.row(0).array() - 8.0).abs().minCoeff(), 3.0);
}

TEST(Tempering, ErrorIsThatOfTheEvidence) {
  // Off the centre of the starts and narrower, and out of their reach.
  for (const auto& [mean, sd] : {std::pair(0.7, 0.3), std::pair(40.0, 2.0)}) {
    const toys::Toy toy(6, 1, normal_density(mean, sd));
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const TemperingReport report = report_of(toy, {.seed = seed});
      ASSERT_TRUE(report.complete());
      EXPECT_LT(report.log_evidence_error, 0.5);
      EXPECT_NEAR(report.log_evidence, 0.0, 5.0 * report.log_evidence_error) << mean << ", seed " << seed;
    }
  }
}

TEST(Tempering, ObjectsOnlyToWhatIsTooLow) {
  TemperingReport report;
  report.log_evidence = -10.0;
  report.log_evidence_error = 0.3;
  EXPECT_TRUE(agrees(report, -12.2, 0.4));
  EXPECT_FALSE(agrees(report, -12.3, 0.4));
  EXPECT_TRUE(agrees(report, 0.0, 0.0));
  EXPECT_FALSE(tempering_report(State()).has_value());
}

TEST(Tempering, StopsWhereTheBudgetIsSpent) {
  const toys::Toy toy(6, 1, normal_density(0.0, 0.05));
  // Small steps, which no forecast knows of.
  const TemperingOptions options{.acceptance = 0.97, .max_gradients = 8000};
  const toys::Finished run = toys::run(program(toy.target, options));
  const TemperingReport report = tempering_report(run.state).value();
  EXPECT_FALSE(report.complete());
  EXPECT_GT(report.temperature, 0.0);
  EXPECT_GE(report.gradients, 8000U);
  EXPECT_LT(report.gradients, 8000U + 5U * 512U);
  EXPECT_NE(run.records.back().note.find("gradients spent, stopped at inverse temperature 0."),
            std::string::npos)
      << run.records.back().note;
}

TEST(Tempering, DoesNotBeginWhatTheBudgetCannotEnd) {
  const toys::Toy toy(6, 1, normal_density(0.0, 0.05));
  const toys::Finished run = toys::run(program(toy.target, {.max_gradients = 1000}));
  const TemperingReport report = tempering_report(run.state).value();
  EXPECT_EQ(report.temperature, 0.0);
  EXPECT_EQ(report.gradients, 0U);
  EXPECT_EQ(report.strangers.cols(), 0);
  EXPECT_NE(run.records.back().note.find("at most 1000 allowed"), std::string::npos)
      << run.records.back().note;
}

TEST(Tempering, GoesOnFromAnyStep) {
  const toys::Toy toy(3, 1, two_normals(0.6));
  const Program fit = program(toy.target, {});
  const State straight = toys::run(fit).state;
  EXPECT_EQ(hash(straight), hash(toys::run(fit, true).state));
  for (const auto& [name, value] : straight.memory) EXPECT_FALSE(name.starts_with("tempering_")) << name;
}

// A gamma density on the half line: evidence 3!.
TEST(Tempering, SurvivesDrawsWithoutADensity) {
  const toys::Toy toy(1, 1, [](Index, ConstVec x, Vec grad) {
    if (x[0] <= 0.0) return -std::numeric_limits<double>::infinity();
    grad[0] += 3.0 / x[0] - 1.0;
    return 3.0 * std::log(x[0]) - x[0];
  });
  EXPECT_NEAR(report_of(toy).log_evidence, std::log(6.0), 0.1);
}

TEST(Tempering, EndsWhereHardlyADrawHasADensity) {
  const toys::Toy toy(16, 1, [](Index, ConstVec x, Vec grad) {
    if (x.cwiseAbs().maxCoeff() > 2.0) return -std::numeric_limits<double>::infinity();
    grad -= 4.0 * x;
    return -2.0 * x.squaredNorm();
  });
  const toys::Finished run = toys::run(program(toy.target, {}));
  EXPECT_EQ(tempering_report(run.state).value().temperature, 0.0);
  EXPECT_NE(run.records.back().note.find("too few draws"), std::string::npos) << run.records.back().note;
}

// sin^2 has six equal bumps on the interval, of which each search meets one.
TEST(Tempering, CoversABoundedInterval) {
  const auto model = make_model({{"phase", {}, Transform::bounded, 0.0, 6.0}}, [](ConstVec x, Vec grad) {
    const double angle = std::numbers::pi * x[0], sine = std::sin(angle);
    if (grad.size() > 0) grad[0] += 60.0 * std::numbers::pi * sine * std::cos(angle);
    return 30.0 * sine * sine;
  });
  const Target target(*model, Communicator::self());
  const TemperingReport report = tempering_report(toys::run(program(target, {})).state).value();
  // 6 exp(15) I_0(15).
  EXPECT_NEAR(report.log_evidence, std::log(6.0) + 15.0 + std::log(std::cyl_bessel_i(0.0, 15.0)), 0.2);
}

TEST(Tempering, MisuseIsNamed) {
  const toys::Toy toy(2, 1, two_normals(0.5));
  EXPECT_THROW(tempering(toy.target, {.islands = 3}), Error);
  EXPECT_THROW(tempering(toy.target, {.islands = 0}), Error);
  EXPECT_THROW(tempering(toy.target, {.particles = 100}), Error);
  EXPECT_THROW(tempering(toy.target, {.particles = 512, .first_draws = 256}), Error);
}

TEST(TemperingMpi, BitsAreThoseOfOneProcess) {
  const auto bits = [](const Communicator& on) {
    const auto model = make_model({{"theta", {{"index", 3, {}}}}}, [](ConstVec x, Vec grad) {
      Vector unused = Vector::Zero(3);
      return two_normals(0.6)(0, x, grad.size() > 0 ? grad : Vec(unused));
    });
    const Target target(*model, on);
    return hash(toys::run(program(target, {})).state);
  };
  EXPECT_EQ(bits(Communicator::world()), bits(Communicator::self()));
}

}  // namespace
}  // namespace vfe
