// The answers that traps come with, held against sums over the unconstrained density that a fit sees.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "model/gradient_check.hpp"
#include "reference/traps.hpp"

namespace vfe {
namespace {

double log_joint(const Model& model, ConstVec theta) {
  double value = log_density(model, -1, theta);
  for (Index block = 0; block < model.blocks(); ++block) value += log_density(model, block, theta);
  return value;
}

struct Axis {
  double low, high;
  Index nodes;
  double step() const { return (high - low) / static_cast<double>(nodes - 1); }
};

/// The trapezium rule over theta, for densities that vanish at the borders of the box.
class Box {
 public:
  explicit Box(const Model& model) : model_(model), sum_(model.parameters().num_constrained()) {}

  void add(const std::vector<Axis>& axes) {
    Vector theta(std::ssize(axes));
    add(axes, 0, theta);
    cell_ = 1.0;
    for (const Axis& axis : axes) cell_ *= axis.step();
  }

  void expect_answer(const ExactTarget& target, double tolerance) const {
    ASSERT_TRUE(target.log_z);
    EXPECT_NEAR(sum_.log_integral(cell_), *target.log_z, tolerance);
    for (Index i = 0; i < target.mean.size(); ++i) {
      EXPECT_NEAR(sum_.mean()[i], target.mean[i], tolerance * target.sd[i]) << i;
      EXPECT_NEAR(sum_.sd()[i], target.sd[i], tolerance * target.sd[i]) << i;
    }
  }

 private:
  void add(const std::vector<Axis>& axes, std::size_t axis, Vector& theta) {
    if (axis == axes.size()) {
      Vector x(model_.parameters().num_constrained());
      model_.parameters().constrain(theta, x);
      sum_.add(log_joint(model_, theta), x);
      return;
    }
    for (Index i = 0; i < axes[axis].nodes; ++i) {
      theta[static_cast<Index>(axis)] = axes[axis].low + static_cast<double>(i) * axes[axis].step();
      add(axes, axis + 1, theta);
    }
  }

  const Model& model_;
  Quadrature sum_;
  double cell_ = 1.0;
};

void expect_answer(const ExactTarget& target, const std::vector<Axis>& axes, double tolerance = 1e-6) {
  Box box(*target.model);
  box.add(axes);
  box.expect_answer(target, tolerance);
}

TEST(TrapsAnswers, HaveTheNamesOfTheList) {
  for (const Trap& trap : all_traps()) EXPECT_EQ(trap.make().name, trap.name);
}

// Where the density exists; steps of 1e-5 over a curvature of up to 1e6 leave errors of 1e-4.
TEST(TrapsAnswers, GradientsAgreeWithDifferences) {
  for (const Trap& trap : all_traps()) {
    if (trap.name == "boundary" || trap.name == "nan_region") continue;
    SCOPED_TRACE(trap.name);
    const ExactTarget target = trap.make();
    Matrix theta(target.model->parameters().size(), 3);
    fill_normal({.seed = 53, .purpose = Purpose::simulate}, theta);
    expect_gradients_match(*target.model, theta, 1e-5);
  }
}

// Beyond the peak lies less than 1e-9, in spite of which the likelihood has more than twenty maxima.
TEST(TrapsAnswers, FrequencyHasOnePeakOfMassAmongMany) {
  const ExactTarget target = frequency();
  const Sinusoid sinusoid = clear_sinusoid();
  const double f = target.mean[0], sd = target.sd[0];
  const double peak = sinusoid.integrate(f - 10.0 * sd, f + 10.0 * sd).log_integral(Sinusoid::cell);
  EXPECT_NEAR(peak, *target.log_z, 1e-9);
  int maxima = 0;
  double before = -INFINITY, last = -INFINITY;
  for (double at = 0.0; at < Sinusoid::highest; at += 0.005) {
    const double here = sinusoid.integrate(at, at + Sinusoid::cell).log_integral(Sinusoid::cell);
    maxima += last > before && last > here;
    before = last;
    last = here;
  }
  EXPECT_GT(maxima, 20);

  const auto logit = [](double x) { return std::log(x / (Sinusoid::highest - x)); };
  std::vector<Axis> axes = {{logit(f - 8.0 * sd), logit(f + 8.0 * sd), 41}};
  for (Index i = 1; i < 3; ++i)
    axes.push_back({target.mean[i] - 8.0 * target.sd[i], target.mean[i] + 8.0 * target.sd[i], 33});
  expect_answer(target, axes, 1e-5);
}

TEST(TrapsAnswers, FrequencyOfThreePeaks) {
  const ExactTarget target = frequency_of_three_peaks();
  const Sinusoid sinusoid = ambiguous_sinusoid();
  const auto share = [&](double f) {
    return std::exp(sinusoid.integrate(f - 0.1, f + 0.1).log_integral(Sinusoid::cell) - *target.log_z);
  };
  EXPECT_NEAR(share(2.3), 0.10, 0.01);
  EXPECT_NEAR(share(2.7), 0.86, 0.01);
  EXPECT_NEAR(share(3.2), 0.04, 0.01);
  EXPECT_NEAR(share(2.3) + share(2.7) + share(3.2), 1.0, 1e-4);
}

TEST(TrapsAnswers, Phase) {
  expect_answer(phase(), {{-14.0, 6.0, 401}, {-16.0, 16.0, 3201}}, 1e-4);
}

TEST(TrapsAnswers, LabelsAreExchangeable) {
  const ExactTarget target = label_switching();
  for (Index k = 1; k < 3; ++k) {
    EXPECT_NEAR(target.mean[k], target.mean[0], 1e-9);
    EXPECT_NEAR(target.sd[k], target.sd[0], 1e-9);
  }
}

// By importance sampling with a normal around each of the six assignments.
TEST(TrapsAnswers, LogEvidenceOfThreeComponents) {
  const ExactTarget target = label_switching();
  std::vector<double> places = three_components().places();
  constexpr double sd = 0.4;
  constexpr Index draws = 5000;
  double sum = 0.0;
  std::vector<Vector> centres;
  do {
    centres.emplace_back(Eigen::Map<Vector>(places.data(), 3));
  } while (std::next_permutation(places.begin(), places.end()));
  for (std::size_t j = 0; j < centres.size(); ++j) {
    Matrix noise(3, draws);
    fill_normal({.seed = 59, .purpose = Purpose::simulate, .block = static_cast<std::uint32_t>(j)}, noise);
    for (Index s = 0; s < draws; ++s) {
      const Vector theta = centres[j] + sd * noise.col(s);
      double proposal = 0.0;
      for (const Vector& centre : centres)
        proposal += std::exp(-0.5 * (theta - centre).squaredNorm() / (sd * sd)) / 6.0;
      const double log_proposal = std::log(proposal) - 3.0 * std::log(sd * std::sqrt(2.0 * std::numbers::pi));
      sum += std::exp(log_joint(*target.model, theta) - log_proposal - *target.log_z);
    }
  }
  EXPECT_NEAR(sum / (6.0 * draws), 1.0, 0.03);  // four standard errors
}

TEST(TrapsAnswers, BrokenExchanges) {
  expect_answer(exchange_broken_by_priors(), {{-6.0, 6.0, 121}, {-6.0, 6.0, 121}});
  expect_answer(exchange_broken_by_a_label(), {{-6.0, 6.0, 121}, {-6.0, 6.0, 121}});
  // Neither would be right if the blocks were taken for exchangeable.
  for (const ExactTarget& target : {exchange_broken_by_priors(), exchange_broken_by_a_label()})
    EXPECT_GT(std::abs(target.mean[0] - target.mean[1]), 0.2 * target.sd[0]) << target.name;
}

TEST(TrapsAnswers, SignFlips) {
  const ExactTarget target = sign_flips();
  expect_answer(target, std::vector<Axis>(4, {-2.4, 2.4, 41}), 1e-5);
  // Between a loading and its opposite there is a deep valley.
  const Vector loading = target.sd.cwiseProduct(Vector{{1.0, 1.0, -1.0, 1.0}});
  EXPECT_DOUBLE_EQ(log_joint(*target.model, loading), log_joint(*target.model, -loading));
  EXPECT_GT(log_joint(*target.model, loading), log_joint(*target.model, Vector::Zero(4)) + 20.0);
}

TEST(TrapsAnswers, Circles) {
  expect_answer(circle("wide", 0.1), {{-2.0, 2.0, 161}, {-2.0, 2.0, 161}});
  expect_answer(circle("thin", 0.02), {{-1.2, 1.2, 481}, {-1.2, 1.2, 481}});
}

TEST(TrapsAnswers, FarModes) {
  for (const Trap& trap : far_modes(2)) {
    SCOPED_TRACE(trap.name);
    expect_answer(trap.make(), {{-13.0, 17.0, 121}, {-9.0, 9.0, 73}});
  }
  // Along any other axis, and the more of them.
  const Vector e{{0.6, -0.8}};
  expect_answer(two_modes_eight_sd_apart("turned", e, -1.0, 0.3), {{-12.0, 16.0, 113}, {-18.0, 12.0, 121}});
  for (const Index d : {20, 100}) {
    const ExactTarget target = two_far_modes("more", d, 0.0, 0.1),
                      plane = two_far_modes("plane", 2, 0.0, 0.1);
    Vector theta(d);
    for (Index i = 0; i < d; ++i)
      theta[i] = normal({.seed = 61, .purpose = Purpose::simulate}, static_cast<std::uint32_t>(i));
    theta[0] = 4.2;
    double rest = 0.0;
    for (Index i = 2; i < d; ++i) rest += log_normal_density<double>(theta[i], 0.0, 1.0);
    EXPECT_NEAR(log_joint(*target.model, theta), log_joint(*plane.model, theta.head(2)) + rest, 1e-10);
  }
}

TEST(TrapsAnswers, Lattices) {
  expect_answer(thirty_modes(), {{-26.0, 26.0, 105}, {-30.0, 30.0, 121}});
  expect_answer(hundreds_of_modes(), {{-86.0, 86.0, 259}, {-86.0, 86.0, 259}});
}

TEST(TrapsAnswers, ModeInACorner) {
  expect_answer(mode_in_a_corner(), std::vector<Axis>(3, {-11.0, 14.0, 101}), 1e-5);
}

// The tails in theta are those of exp(-0.3 |theta|); far out x is 1 in double precision.
TEST(TrapsAnswers, MassAtBothEnds) {
  expect_answer(mass_at_both_ends("ends_3_4", 0.3, 0.4), {{-50.0, 35.0, 1701}}, 1e-5);
  expect_answer(mass_at_both_ends("ends_5_5", 0.5, 0.5), {{-35.0, 35.0, 1401}}, 1e-5);
  expect_answer(modes_at_both_ends(), {{-20.0, 20.0, 801}});
}

TEST(TrapsAnswers, PosteriorEqualToItsPrior) {
  expect_answer(posterior_equal_to_its_prior(), {{-8.0, 8.0, 33}, {-20.0, 4.0, 241}, {-20.0, 20.0, 161}},
                1e-5);
}

// With x = u^2 the singularity is gone.
TEST(TrapsAnswers, UnboundedDensity) {
  const ExactTarget target = unbounded_density();
  double sum = 0.0, square = 0.0;
  constexpr double step = 0.01;
  for (double u = 0.5 * step; u < 7.0; u += step) {
    for (const double sign : {-1.0, 1.0}) {
      const double weight = std::exp(log_joint(*target.model, Vector{{sign * u * u}})) * 2.0 * u * step;
      sum += weight;
      square += weight * u * u * u * u;
    }
  }
  EXPECT_NEAR(std::log(sum), *target.log_z, 1e-6);
  EXPECT_NEAR(std::sqrt(square / sum), target.sd[0], 1e-6);
  EXPECT_GT(log_joint(*target.model, Vector{{1e-200}}), 200.0);
}

TEST(TrapsAnswers, RisingDensityHasNone) {
  const ExactTarget target = rising_density();
  EXPECT_FALSE(target.has_answer);
  EXPECT_GT(log_joint(*target.model, Vector{{0.0, 1e6}}), log_joint(*target.model, Vector{{0.0, 1e3}}) + 6.0);
}

}  // namespace
}  // namespace vfe
