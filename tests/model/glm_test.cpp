// The model around the kernel: names, priors, derived quantities, bad input.
#include "vfe/model/glm.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <string>

#include "model/glm_reference.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using reference::make_problem;
using reference::Problem;

std::vector<std::string> names(const Parameters& parameters) {
  std::vector<std::string> all;
  for (Index i = 0; i < parameters.size(); ++i) all.push_back(parameters.unconstrained_name(i));
  return all;
}

TEST(Glm, NamesItsParameters) {
  const auto of = [](Likelihood likelihood, auto change) {
    Problem problem = make_problem({.likelihood = likelihood, .columns = 2, .classes = 3});
    change(problem);
    return names(Glm(problem.options, rows_in_memory(problem.schema, problem.rows)).parameters());
  };
  using Names = std::vector<std::string>;
  const auto same = [](Problem&) {};
  EXPECT_EQ(of(Likelihood::logistic, same), (Names{"intercept", "beta[x0]", "beta[x1]"}));
  EXPECT_EQ(of(Likelihood::linear, same), (Names{"intercept", "beta[x0]", "beta[x1]", "sigma"}));
  EXPECT_EQ(of(Likelihood::linear, [](Problem& p) { p.options.known_sigma = 2.0; }),
            (Names{"intercept", "beta[x0]", "beta[x1]"}));
  EXPECT_EQ(of(Likelihood::student_t, same), (Names{"intercept", "beta[x0]", "beta[x1]", "sigma", "nu"}));
  EXPECT_EQ(of(Likelihood::student_t, [](Problem& p) { p.options.degrees_of_freedom = 4.0; }),
            (Names{"intercept", "beta[x0]", "beta[x1]", "sigma"}));
  EXPECT_EQ(of(Likelihood::negative_binomial, [](Problem& p) { p.options.intercept = false; }),
            (Names{"beta[x0]", "beta[x1]", "overdispersion"}));
  EXPECT_EQ(of(Likelihood::softmax, same),
            (Names{"intercept[1]", "intercept[2]", "beta[1,x0]", "beta[1,x1]", "beta[2,x0]", "beta[2,x1]"}));
  EXPECT_EQ(of(Likelihood::softmax,
               [](Problem& p) {
                 p.schema.response_levels = {"red", "green", "blue"};
               })[1],
            "intercept[blue]");
  EXPECT_EQ(of(Likelihood::ordinal, same),
            (Names{"beta[x0]", "beta[x1]", "cutpoints[0|1]", "cutpoints[1|2]"}));
  EXPECT_EQ(of(Likelihood::hurdle_negative_binomial, same),
            (Names{"intercept", "beta[x0]", "beta[x1]", "overdispersion", "zero_probability"}));
  EXPECT_EQ(of(Likelihood::exponential, same), (Names{"intercept", "beta[x0]", "beta[x1]"}));
  EXPECT_EQ(of(Likelihood::beta, same).back(), "precision");
  EXPECT_EQ(of(Likelihood::weibull, same).back(), "shape");
  EXPECT_EQ(of(Likelihood::lognormal, [](Problem& p) { p.options.known_sigma = 2.0; }).back(), "sigma");
  const Problem problem = make_problem({.likelihood = Likelihood::student_t});
  EXPECT_EQ(glm_parameters(problem.options, problem.schema).size(), 10);
}

TEST(Glm, LikelihoodNamesRoundTrip) {
  for (const Likelihood likelihood : reference::all_likelihoods) {
    EXPECT_EQ(likelihood_from_string(to_string(likelihood)), likelihood);
  }
  EXPECT_THROW(likelihood_from_string("logit"), Error);
}

TEST(Glm, PriorIsTheDensityOfConstrainedValuesTimesTheJacobian) {
  for (const ScalePrior scale_prior : {ScalePrior::half_normal, ScalePrior::exponential}) {
    for (const Likelihood likelihood : reference::all_likelihoods) {
      Problem problem = make_problem({.likelihood = likelihood, .columns = 3, .classes = 3});
      problem.options.prior_scale = 1.5;
      problem.options.prior_scale_by_name = {{"x1", 0.25}};
      problem.options.intercept_prior_scale = 7.0;
      problem.options.scale_prior = scale_prior;
      problem.options.scale_prior_scale = 0.8;
      const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
      const Parameters& parameters = model.parameters();
      const Matrix theta = reference::make_theta(parameters, 3, 0.7);
      Vector value = Vector::Constant(3, 0.25);
      Matrix none(theta.rows(), 0);
      model.log_prior(theta, value, none);
      ASSERT_EQ(model.log_prior_terms().size(), parameters.list().size());
      Matrix terms(parameters.num_constrained(), 3);
      model.compute_log_prior_terms(theta, terms);
      for (Index s = 0; s < 3; ++s) {
        Vector constrained(parameters.num_constrained());
        double expected = 0.25 + parameters.constrain(theta.col(s), constrained);
        for (Index i = 0; i < constrained.size(); ++i) {
          const std::string name = parameters.constrained_name(i);
          const double x = constrained[i], before = expected;
          const auto normal_density = [&](double scale) {
            return std::log(std::exp(-0.5 * x * x / (scale * scale)) /
                            (scale * std::sqrt(2.0 * std::acos(-1.0))));
          };
          const auto gamma_density = [&](double rate) {
            return std::log(rate * rate * x * std::exp(-rate * x));
          };
          if (name.starts_with("intercept")) {
            expected += normal_density(7.0);
          } else if (name.starts_with("cutpoints")) {
            // Two numbers in order are either of two.
            expected += normal_density(7.0) + (name == "cutpoints[0|1]" ? std::log(2.0) : 0.0);
          } else if (name.starts_with("beta")) {
            expected += normal_density(name.find("x1") == std::string::npos ? 1.5 : 0.25);
          } else if (name == "nu" || name == "shape") {
            expected += gamma_density(0.1);
          } else if (name == "precision") {
            expected += gamma_density(0.02);
          } else if (name != "zero_probability") {
            expected += scale_prior == ScalePrior::half_normal ? std::log(2.0) + normal_density(0.8)
                                                               : std::log(std::exp(-x / 0.8) / 0.8);
          }
          EXPECT_NEAR(terms(i, s), expected - before, 1e-12) << name;
        }
        EXPECT_NEAR(value[s], expected, 1e-12) << to_string(likelihood);
      }
    }
  }
}

// Differences of the total log density against its gradient, draw by draw.
TEST(Glm, GradientsOfPriorAndLikelihoodMatchDifferences) {
  for (const Likelihood likelihood : reference::all_likelihoods) {
    Problem problem = make_problem({.likelihood = likelihood, .rows = 50, .columns = 4, .block_rows = 50});
    problem.options.scale_prior = ScalePrior::exponential;
    const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
    const Index d = model.parameters().size();
    const Vector theta = reference::make_theta(model.parameters(), 1, 0.3);
    using Term = std::function<void(ConstMat, Vec, Mat)>;
    const Term terms[] = {[&](ConstMat t, Vec v, Mat g) { model.log_prior(t, v, g); },
                          [&](ConstMat t, Vec v, Mat g) { model.log_likelihood(0, t, v, g); }};
    for (const Term& term : terms) {
      Vector value = Vector::Zero(1);
      Matrix grad = Matrix::Zero(d, 1);
      term(theta, value, grad);
      for (Index i = 0; i < d; ++i) {
        const auto at = [&](long double x) -> long double {
          Vector moved = theta;
          moved[i] = static_cast<double>(x);
          Vector v = Vector::Zero(1);
          Matrix none(d, 0);
          term(moved, v, none);
          return v[0];
        };
        const auto expected = static_cast<double>(reference::derivative(at, theta[i], 1.0L / 1024));
        EXPECT_NEAR(grad(i, 0), expected, 1e-8 * (1.0 + std::abs(expected)))
            << to_string(likelihood) << " " << model.parameters().unconstrained_name(i);
      }
    }
  }
}

TEST(Glm, PriorsOfScalesIntegrateToOne) {
  for (const ScalePrior scale_prior : {ScalePrior::half_normal, ScalePrior::exponential}) {
    Problem problem = make_problem({.likelihood = Likelihood::student_t, .columns = 1});
    problem.options.scale_prior = scale_prior;
    problem.options.scale_prior_scale = 2.5;
    problem.options.intercept = false;
    const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
    // beta at 0 contributes its own constant; sigma and nu are integrated in turn over their logarithms.
    const double beta = -std::log(problem.options.prior_scale * std::sqrt(2.0 * std::acos(-1.0)));
    const double step = 0.01;
    double both = 0.0, sigma_alone = 0.0;
    Matrix theta = Matrix::Zero(3, 1), none(3, 0);
    const auto prior = [&](double log_sigma, double log_nu) {
      Vector value = Vector::Zero(1);
      theta(1, 0) = log_sigma;
      theta(2, 0) = log_nu;
      model.log_prior(theta, value, none);
      return std::exp(value[0] - beta);
    };
    for (double x = -30.0; x < 8.0; x += step) {
      sigma_alone += step * prior(x, 1.0);
    }
    for (double x = -30.0; x < 12.0; x += step) both += step * sigma_alone / prior(0.0, 1.0) * prior(0.0, x);
    EXPECT_NEAR(both, 1.0, 1e-9);
  }
}

TEST(Glm, APriorScaleMayNameASource) {
  Problem problem = make_problem({.likelihood = Likelihood::logistic, .columns = 3});
  for (std::size_t j : {1u, 2u}) problem.schema.columns[j].source = "colour";
  problem.schema.columns[1].name = "colour[red]";
  problem.options.intercept = false;
  problem.options.prior_scale_by_name = {{"colour", 0.5}, {"colour[red]", 3.0}};
  const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
  Vector value = Vector::Zero(1);
  Matrix grad = Matrix::Zero(3, 1);
  model.log_prior(Vector::Ones(3), value, grad);
  EXPECT_DOUBLE_EQ(grad(0, 0), -1.0 / (2.5 * 2.5));
  EXPECT_DOUBLE_EQ(grad(1, 0), -1.0 / 9.0);
  EXPECT_DOUBLE_EQ(grad(2, 0), -4.0);
}

// The derived coefficients predict from the user's columns what the model predicts from the stored ones.
TEST(Glm, DerivedQuantitiesAreOnTheUsersScale) {
  for (const Likelihood likelihood : {Likelihood::linear, Likelihood::logistic, Likelihood::softmax}) {
    Problem problem = make_problem({.likelihood = likelihood, .columns = 3, .offsets = false, .classes = 3});
    for (std::size_t j = 0; j < 3; ++j) {
      problem.schema.columns[j].centre = 10.0 * static_cast<double>(j) - 3.0;
      problem.schema.columns[j].scale = 0.5 + static_cast<double>(j);
    }
    const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
    const Parameters& parameters = model.parameters();
    const Vector theta = reference::make_theta(parameters, 1, 0.5);
    Vector constrained(parameters.num_constrained());
    parameters.constrain(theta, constrained);
    const std::vector<Parameter>& quantities = model.quantities();
    const std::size_t first = parameters.list().size();
    const Index size = num_constrained(quantities);
    Matrix all(size, 1);
    model.compute_quantities(theta, 1, 0, all);
    EXPECT_EQ(all.col(0).head(constrained.size()), constrained);
    const Vector values = all.col(0).tail(size - constrained.size());
    ASSERT_EQ(quantities[first].name, "intercept_original");
    ASSERT_EQ(quantities[first + 1].name, "beta_original");
    const Index classes = problem.predictors();
    const double centre = is_real(likelihood) ? 3.0 : 0.0, scale = is_real(likelihood) ? 2.5 : 1.0;
    const Vector stored = Vector{{0.3, -1.0, 2.0}};
    for (Index k = 0; k < classes; ++k) {
      double eta = constrained[k], original = values[k];
      for (Index j = 0; j < 3; ++j) {
        const Column& column = problem.schema.columns[static_cast<std::size_t>(j)];
        eta += constrained[classes + 3 * k + j] * stored[j];
        original += values[classes + 3 * k + j] * (column.centre + column.scale * stored[j]);
      }
      EXPECT_NEAR(original, centre + scale * eta, 1e-12);
    }
    if (likelihood == Likelihood::linear) {
      ASSERT_EQ(quantities.back().name, "sigma_original");
      EXPECT_DOUBLE_EQ(all(size - 1, 0), 2.5 * constrained[parameters.num_constrained() - 1]);
    }
  }
  const Problem plain = make_problem({.likelihood = Likelihood::logistic});
  const Glm model(plain.options, rows_in_memory(plain.schema, plain.rows));
  EXPECT_EQ(model.quantities().size(), model.parameters().list().size());
}

// P(y <= k) of the user's columns is that of the stored ones.
TEST(Glm, DerivedCutpointsTakeWhatCentringTook) {
  Problem problem = make_problem({.likelihood = Likelihood::ordinal, .columns = 2, .offsets = false});
  problem.schema.columns[0].centre = 4.0;
  problem.schema.columns[1].scale = 0.25;
  const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
  ASSERT_EQ(model.quantities().size(), 4u);
  EXPECT_EQ(model.quantities()[2].name, "beta_original");
  EXPECT_EQ(model.quantities()[3].name, "cutpoints_original");
  Matrix all(10, 1);
  model.compute_quantities(Vector{{0.7, -0.3, -1.0, 0.2, 0.4}}, 1, 0, all);
  const Vector stored{{0.5, -2.0}}, users{{4.5, -0.5}};
  for (Index k = 0; k < 3; ++k) {
    EXPECT_NEAR(all(2 + k, 0) - stored.dot(all.col(0).head(2)),
                all(7 + k, 0) - users.dot(all.col(0).segment(5, 2)), 1e-14);
  }
}

// The density of the raw response does not depend on how it was standardised: only priors do.
TEST(Glm, DensityIsOfTheRawResponse) {
  Problem problem =
      make_problem({.likelihood = Likelihood::linear, .rows = 30, .columns = 1, .block_rows = 30});
  Problem raw = problem;
  raw.schema.response_centre = 0.0;
  raw.schema.response_scale = 1.0;
  const Glm standardised(problem.options, rows_in_memory(problem.schema, problem.rows)),
      plain(raw.options, rows_in_memory(raw.schema, raw.rows));
  Vector a = Vector::Zero(1), b = Vector::Zero(1);
  Matrix none(3, 0);
  standardised.log_likelihood(0, Vector{{0.2, -0.4, std::log(0.9)}}, a, none);
  plain.log_likelihood(0, Vector{{3.0 + 2.5 * 0.2, -2.5 * 0.4, std::log(2.5 * 0.9)}}, b, none);
  EXPECT_NEAR(a[0], b[0], 1e-10);
}

void expect_error(const Problem& problem, Fault fault, const std::vector<std::string>& parts) {
  try {
    const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
    ADD_FAILURE() << "accepted; expected an error with " << parts[0];
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), fault) << error.what();
    for (const std::string& part : parts) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
}

/// Rows that are too many to be kept.
class ReadEachTime final : public RowSource {
 public:
  explicit ReadEachTime(std::shared_ptr<const RowSource> rows) : rows_(std::move(rows)) {}
  const DesignSchema& schema() const override { return rows_->schema(); }
  Index first_block() const override { return rows_->first_block(); }
  const Blocks& blocks() const override { return rows_->blocks(); }
  Reading reading() const override { return Reading::each_time; }
  Rows read(const BlockRange& blocks) const override {
    ++reads;
    return rows_->read(blocks);
  }
  mutable int reads = 0;

 private:
  std::shared_ptr<const RowSource> rows_;
};

TEST(Glm, IsTheSameOverRowsThatAreReadAgain) {
  for (const Likelihood likelihood : reference::all_likelihoods) {
    const Problem problem = make_problem({.likelihood = likelihood});
    const auto rows = rows_in_memory(problem.schema, problem.rows);
    const auto again = std::make_shared<const ReadEachTime>(rows);
    const Glm kept(problem.options, rows), read(problem.options, again);
    EXPECT_EQ(again->reads, 3);
    const Matrix theta = reference::make_theta(kept.parameters(), 3);
    Vector value = Vector::Zero(3), value_again = Vector::Zero(3);
    Matrix grad = Matrix::Zero(theta.rows(), 3), grad_again = grad;
    for (Index block = 0; block < kept.blocks(); ++block) {
      kept.log_likelihood(block, theta, value, grad);
      read.log_likelihood(block, theta, value_again, grad_again);
    }
    EXPECT_EQ(again->reads, 6);
    EXPECT_EQ(value_again, value);
    EXPECT_EQ(grad_again, grad);
    Vector by_row(20), by_row_again(20);
    kept.log_likelihood_rows(2, theta.col(0), by_row);
    read.log_likelihood_rows(2, theta.col(0), by_row_again);
    EXPECT_EQ(by_row_again, by_row);
    EXPECT_EQ(read.predict(1, theta, {.seed = 5}, true)->response,
              kept.predict(1, theta, {.seed = 5}, true)->response);
  }
}

TEST(Glm, BadRowsAreNamed) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto with_response = [](Likelihood likelihood, double y) {
    Problem problem = make_problem({.likelihood = likelihood});
    problem.rows.first_row = 80;
    problem.rows.first_block = 2;
    problem.schema.blocks = Blocks::of_equal(180, 40);
    problem.rows.y[13] = y;
    return problem;
  };
  expect_error(with_response(Likelihood::logistic, 2.0), Fault::data,
               {"row 93", "\"outcome\" is 2", "0 or 1"});
  expect_error(with_response(Likelihood::logistic, nan), Fault::data, {"row 93", "nan"});
  expect_error(with_response(Likelihood::poisson, -1.0), Fault::data, {"row 93", "-1", "count"});
  expect_error(with_response(Likelihood::negative_binomial, 1.5), Fault::data, {"row 93", "1.5", "count"});
  expect_error(with_response(Likelihood::softmax, 4.0), Fault::data, {"row 93", "class"});
  expect_error(with_response(Likelihood::linear, nan), Fault::data, {"row 93", "finite"});
  expect_error(with_response(Likelihood::ordinal, 4.0), Fault::data, {"row 93", "class"});
  expect_error(with_response(Likelihood::hurdle_poisson, 0.5), Fault::data, {"row 93", "count"});
  expect_error(with_response(Likelihood::binomial, 1000.0), Fault::data,
               {"row 93", "1000", "not above its trials"});
  expect_error(with_response(Likelihood::gamma, 0.0), Fault::data, {"row 93", "above 0"});
  expect_error(with_response(Likelihood::beta, 1.0), Fault::data, {"row 93", "between 0 and 1"});
  Problem problem = make_problem({.likelihood = Likelihood::binomial});
  problem.rows.trials[7] = 2.5;
  expect_error(problem, Fault::data, {"row 7", "trials are 2.5"});
  problem.rows.trials.resize(0);
  expect_error(problem, Fault::data, {"binomial", "outcome", "no trials"});
  problem = make_problem({.likelihood = Likelihood::poisson});
  problem.rows.trials = problem.rows.y;
  expect_error(problem, Fault::data, {"poisson", "have trials, expected none"});
  problem = make_problem({.likelihood = Likelihood::weibull});
  problem.rows.censoring[5] = 2.0;
  expect_error(problem, Fault::data, {"row 5", "censoring is 2"});
  problem = make_problem({.likelihood = Likelihood::gamma});
  problem.rows.censoring = Vector::Zero(problem.rows.size());
  expect_error(problem, Fault::data, {"gamma", "censored"});
  problem = make_problem({.likelihood = Likelihood::linear});
  problem.rows.weight[3] = -0.5;
  expect_error(problem, Fault::data, {"row 3", "weight is -0.5"});
  problem = make_problem({.likelihood = Likelihood::linear});
  problem.rows.offset[99] = nan;
  expect_error(problem, Fault::data, {"row 99", "offset"});
  problem = make_problem({.likelihood = Likelihood::linear});
  std::get<Rows::RowMajor<float>>(problem.rows.x)(17, 2) = std::numeric_limits<float>::infinity();
  expect_error(problem, Fault::data, {"row 17", "\"x2\" is inf"});
}

TEST(Glm, BadOptionsAreNamed) {
  Problem problem = make_problem({.likelihood = Likelihood::softmax});
  problem.schema.response_levels.clear();
  expect_error(problem, Fault::data, {"outcome", "found 0 levels"});
  problem = make_problem({.likelihood = Likelihood::ordinal, .classes = 2});
  expect_error(problem, Fault::data, {"ordinal", "found 2 levels", "at least 3"});
  problem = make_problem({.likelihood = Likelihood::linear});
  problem.options.prior_scale_by_name = {{"y7", 1.0}};
  expect_error(problem, Fault::config, {"y7"});
  problem = make_problem({.likelihood = Likelihood::linear});
  problem.options.prior_scale_by_name = {{"x1", 0.0}};
  expect_error(problem, Fault::config, {"prior_scale.x1", "positive"});
  problem = make_problem({.likelihood = Likelihood::linear});
  problem.options.known_sigma = -1.0;
  expect_error(problem, Fault::config, {"known_sigma"});
  problem = make_problem({.likelihood = Likelihood::linear});
  problem.rows.y.conservativeResize(99);
  expect_error(problem, Fault::bug, {"99"});
}

TEST(Glm, StartsFarOutAreDrawsOfThePrior) {
  for (const ScalePrior prior : {ScalePrior::half_normal, ScalePrior::exponential}) {
    Problem problem = make_problem({.likelihood = Likelihood::student_t, .columns = 2});
    problem.options.scale_prior = prior;
    problem.options.scale_prior_scale = 3.0;
    problem.options.prior_scale_by_name["x1"] = 0.5;
    const Glm glm(problem.options, rows_in_memory(problem.schema, problem.rows));
    constexpr int n = 4000;
    Matrix near(5, n), far(5, n);
    for (int s = 0; s < n; ++s) {
      const Address at{.seed = 2, .purpose = Purpose::start, .draw = static_cast<std::uint32_t>(s)};
      near.col(s) = glm.draw_start(at, Reach::near);
      far.col(s) = glm.draw_start(at, Reach::far);
    }
    EXPECT_LT(near.cwiseAbs().maxCoeff(), radius(Reach::near));
    const auto sd = [&](Index i) { return std::sqrt(far.row(i).cwiseAbs2().mean()); };
    EXPECT_NEAR(sd(0) / problem.options.intercept_prior_scale, 1.0, 0.05);
    EXPECT_NEAR(sd(1) / problem.options.prior_scale, 1.0, 0.05);
    EXPECT_NEAR(sd(2) / 0.5, 1.0, 0.05);
    const double mean_scale = prior == ScalePrior::exponential ? 1.0 : std::sqrt(2.0 / std::numbers::pi);
    EXPECT_NEAR(far.row(3).array().exp().mean() / 3.0 / mean_scale, 1.0, 0.06);
    EXPECT_NEAR(far.row(4).array().exp().mean() / 20.0, 1.0, 0.05);  // gamma(2, 0.1)
    for (Index i = 0; i < 5; ++i) {
      for (Index j = 0; j < i; ++j) {
        const auto a = far.row(i).array() - far.row(i).mean(), b = far.row(j).array() - far.row(j).mean();
        EXPECT_LT(std::abs((a * b).mean()), 0.08 * std::sqrt(a.square().mean() * b.square().mean()));
      }
    }
  }
}

TEST(Glm, StartsFarOutOfOtherParametersAreDrawsOfThePrior) {
  constexpr int n = 4000;
  const auto far = [&](Likelihood likelihood) {
    Problem problem = make_problem({.likelihood = likelihood, .columns = 1, .classes = 3});
    const Glm glm(problem.options, rows_in_memory(problem.schema, problem.rows));
    Matrix draws(glm.parameters().num_constrained(), n);
    for (int s = 0; s < n; ++s) {
      const Address at{.seed = 2, .purpose = Purpose::start, .draw = static_cast<std::uint32_t>(s)};
      glm.parameters().constrain(glm.draw_start(at, Reach::far), draws.col(s));
    }
    return draws;
  };
  EXPECT_NEAR(far(Likelihood::gamma).row(2).mean() / 20.0, 1.0, 0.05);
  EXPECT_NEAR(far(Likelihood::beta).row(2).mean() / 100.0, 1.0, 0.05);
  const Matrix odds = far(Likelihood::zero_inflated_poisson);
  EXPECT_NEAR(odds.row(2).mean(), 0.5, 0.02);
  EXPECT_NEAR(odds.row(2).cwiseAbs2().mean(), 1.0 / 3.0, 0.02);
  const Matrix cutpoints = far(Likelihood::ordinal).bottomRows(2);
  EXPECT_TRUE((cutpoints.row(1).array() > cutpoints.row(0).array()).all());
  EXPECT_NEAR(cutpoints.cwiseAbs2().mean(), 100.0, 5.0);
  // The mean of the larger of two.
  EXPECT_NEAR(cutpoints.row(1).mean(), 10.0 / std::sqrt(std::numbers::pi), 0.7);
}

}  // namespace
}  // namespace vfe
