#include "vfe/model/local_function.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "model/gradient_check.hpp"
#include "vfe/core/error.hpp"
#include "vfe/model/integrated.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

/// One y = scale (1 + z) + normal(0, 1) a group, z normal(0, 1), by hand: y is normal(scale, 1 + scale^2).
class ByHand final : public LocalDensity {
 public:
  explicit ByHand(ConstVec x) : scale_(x[0]) {}
  void evaluate(Index, ConstMat z, Vec value, Mat slope) override {
    points_ = z.row(0);
    for (Index n = 0; n < z.cols(); ++n) {
      value[n] = -0.5 * std::pow(error(z(0, n)), 2) - 0.5 * z(0, n) * z(0, n) - std::log(2.0 * M_PI);
      slope(0, n) = scale_ * error(z(0, n)) - z(0, n);
    }
  }
  void add_gradient(Index, ConstVec weight) override {
    for (Index n = 0; n < weight.size(); ++n) grad_ += weight[n] * error(points_[n]) * (1.0 + points_[n]);
  }
  void expand(ConstMat z, Mat slope, Mat curvature, Mat scale) override {
    at_ = z.row(0);
    for (Index g = 0; g < z.cols(); ++g) slope(0, g) = scale_ * error(at_[g]) - at_[g];
    curvature.setConstant(1.0 + scale_ * scale_);
    scale = curvature;
  }
  void differentiate_scale(ConstMat, Mat slope) override { slope.setZero(); }
  void add_expansion_gradient(ConstMat direction, ConstMat scale_weight) override {
    for (Index g = 0; g < at_.size(); ++g) {
      grad_ += direction(0, g) * (error(at_[g]) - scale_ * (1.0 + at_[g]));
      grad_ += scale_weight(0, g) * 2.0 * scale_;
    }
  }
  void pull_back(Vec grad) override { grad[0] += grad_; }

 private:
  double error(double z) const { return 3.0 - scale_ * (1.0 + z); }
  double scale_, grad_ = 0.0;
  Vector points_, at_;
};

std::unique_ptr<const LocalModel> by_hand(Grouping grouping, Index latents = 1,
                                          std::vector<Parameter> parameters = {
                                              {"scale", {}, Transform::positive}}) {
  return make_local_model(std::move(parameters),
                          [](ConstVec x, Vec grad) {
                            if (grad.size() > 0) grad[0] -= 1.0;
                            return -x[0];
                          },
                          std::move(grouping), {{1, 1}, {1}},
                          {latents, [](Index, ConstVec x) { return std::make_unique<ByHand>(x); }});
}

TEST(LocalFunction, ParametersAreConstrainedAndTheirJacobianThePriors) {
  const Integrated model(by_hand({.name = "school", .effects = {"level"}}), 1);
  const Vector theta = Vector::Constant(1, 0.4);
  const double scale = std::exp(0.4), variance = 1.0 + scale * scale;
  EXPECT_NEAR(log_density(model, -1, theta), -scale + 0.4, 1e-14);
  const double one = -0.5 * std::pow(3.0 - scale, 2) / variance - 0.5 * std::log(2.0 * M_PI * variance);
  EXPECT_NEAR(log_density(model, 0, theta), 2.0 * one, 1e-13);
  EXPECT_NEAR(log_density(model, 1, theta), one, 1e-13);
  expect_gradients_match(model, Vector(theta));
}

TEST(LocalFunction, GroupsAreThoseGiven) {
  const auto local = by_hand({.name = "school", .effects = {"level"}});
  EXPECT_EQ(local->blocks(), 2);
  EXPECT_EQ(local->groups(0), 2);
  EXPECT_EQ(local->rows(0), 2);
  EXPECT_EQ(local->group_rows(1), std::vector<Index>{1});
  EXPECT_EQ(local->grouping().name, "school");
  EXPECT_EQ(local->log_prior_terms().size(), 1u);
}

TEST(LocalFunction, RefusesWhatDoesNotFit) {
  const auto message = [](auto make) -> std::string {
    try {
      make();
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::usage);
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message([] {
                by_hand({.effects = {"a", "b"}});
              }),
              HasSubstr("found 2 effects of group, and 1"));
  EXPECT_THAT(message([] { by_hand({.effects = {}}, 0); }), HasSubstr("at least 1"));
  EXPECT_THAT(message([] { by_hand({.keys = {"school"}, .effects = {"a"}}); }), HasSubstr("found keys"));
  EXPECT_THAT(message([] { by_hand({.effects = {"a"}}, 1, {}); }), HasSubstr("no parameters"));
}

}  // namespace
}  // namespace vfe
