#include "vfe/model/non_centred.hpp"

#include <gtest/gtest.h>

#include <Eigen/Cholesky>
#include <Eigen/LU>
#include <cmath>
#include <memory>
#include <numbers>
#include <utility>

#include "model/glm_reference.hpp"
#include "model/gradient_check.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {
namespace {

/// A linear model, and what its coefficients come from.
struct Linear {
  Vector prior_sds;
  Matrix design;    ///< rows x coefficients, weighted
  Vector response;  ///< weighted
  reference::Problem problem;

  Linear(Likelihood likelihood, Index rows, Index columns, bool intercept = true) {
    problem = reference::make_problem({.likelihood = likelihood,
                                       .rows = rows,
                                       .columns = columns,
                                       .block_rows = 7,
                                       .single = false,
                                       .intercept = intercept});
    problem.options.prior_scale = 1.5;
    problem.options.prior_scale_by_name = {{"x1", 0.25}};
    problem.options.intercept_prior_scale = 4.0;
    const Index first = intercept ? 1 : 0;
    prior_sds = Vector::Constant(columns + first, 1.5);
    prior_sds[first + 1] = 0.25;
    design.setOnes(rows, columns + first);
    if (intercept) prior_sds[0] = 4.0;
    design.rightCols(columns) = std::get<Rows::RowMajor<double>>(problem.rows.x);
    const Vector root = problem.rows.weight.array().sqrt();
    design = root.asDiagonal() * design;
    response = (problem.rows.y - problem.rows.offset).array() - problem.schema.response_centre;
    response = root.array() * response.array() / problem.schema.response_scale;
  }

  ConditionalNormal conditional() const { return {prior_sds, design * prior_sds.asDiagonal(), response}; }
  std::unique_ptr<Glm> glm() const {
    return std::make_unique<Glm>(problem.options, rows_in_memory(problem.schema, problem.rows));
  }
  NonCentred non_centred() const { return {glm(), conditional()}; }
};

TEST(ConditionalNormal, CoefficientsHaveItsMeanAndCovariance) {
  for (const auto& [rows, columns] : {std::pair<Index, Index>{5, 9}, {9, 9}, {40, 3}}) {
    const Linear linear(Likelihood::linear, rows, columns);
    const ConditionalNormal conditional = linear.conditional();
    const Index q = columns + 1;
    ASSERT_EQ(conditional.size(), q);
    for (const double sigma : {1e-3, 0.4, 20.0}) {
      const double log_sigma = std::log(sigma);
      const Matrix precision = linear.design.transpose() * linear.design / (sigma * sigma) +
                               Matrix(linear.prior_sds.array().square().inverse().matrix().asDiagonal());
      const Eigen::LDLT<Matrix> solver(precision);
      const Vector mean = solver.solve(linear.design.transpose() * linear.response / (sigma * sigma));
      Vector at_0(q);
      conditional.coefficients(Vector::Zero(q), log_sigma, at_0);
      EXPECT_LT((at_0 - mean).norm(), 1e-6 * mean.norm()) << rows << " rows, sigma " << sigma;

      Matrix root(q, q);  // beta is mean + root z
      for (Index i = 0; i < q; ++i) {
        Vector beta(q);
        conditional.coefficients(Vector::Unit(q, i), log_sigma, beta);
        root.col(i) = beta - at_0;
      }
      EXPECT_LT((precision * root * root.transpose() - Matrix::Identity(q, q)).norm(), 1e-6);
      const double log_jacobian = conditional.log_jacobian(log_sigma, nullptr);
      EXPECT_NEAR(log_jacobian, std::log(std::abs(root.determinant())), 1e-7);
      double slope = 0.25;
      EXPECT_EQ(conditional.log_jacobian(log_sigma, &slope), log_jacobian);
      const double h = 1e-5;
      EXPECT_NEAR(slope - 0.25,
                  (conditional.log_jacobian(log_sigma + h, nullptr) -
                   conditional.log_jacobian(log_sigma - h, nullptr)) /
                      (2.0 * h),
                  1e-7);

      Vector z(q), beta(q);
      fill_normal({.seed = 3, .purpose = Purpose::noise}, z);
      conditional.coefficients(z, log_sigma, beta);
      EXPECT_LT((conditional.whiten(beta, log_sigma) - z).norm(), 1e-6 * z.norm());
      EXPECT_EQ(ConditionalNormal(conditional.numbers()).whiten(beta, log_sigma),
                conditional.whiten(beta, log_sigma));
    }
  }
}

TEST(ConditionalNormal, LeavesThePriorWhereTheDataSayNothing) {
  const Vector sds = Vector::LinSpaced(3, 0.5, 1.5), z = Vector::LinSpaced(3, -1.0, 2.0);
  const ConditionalNormal conditional(sds, Matrix::Zero(2, 3), Vector::Ones(2));
  Vector beta(3);
  conditional.coefficients(z, -4.0, beta);
  EXPECT_EQ(beta, Vector(sds.array() * z.array()));
}

TEST(NonCentred, GradientsMatchFiniteDifferences) {
  for (const Likelihood likelihood : {Likelihood::linear, Likelihood::student_t}) {
    for (const bool intercept : {true, false}) {
      const NonCentred model = Linear(likelihood, 12, 9, intercept).non_centred();
      expect_gradients_match(model, reference::make_theta(model.parameters(), 3, 0.5), 1e-6);
    }
  }
}

TEST(NonCentred, IsNormalGivenSigma) {
  const Linear linear(Likelihood::linear, 6, 9);
  const NonCentred model = linear.non_centred();
  const Index q = 10;
  // Twice the log density and the square of z come to what sigma alone decides.
  const auto rest = [&](ConstVec theta) {
    double sum = log_density(model, -1, theta);
    for (Index block = 0; block < model.blocks(); ++block) sum += log_density(model, block, theta);
    return sum + 0.5 * theta.head(q).squaredNorm();
  };
  Matrix theta = reference::make_theta(model.parameters(), 5, 1.0);
  for (const double log_sigma : {-9.0, -1.0, 0.5}) {
    theta.row(q).setConstant(log_sigma);
    for (Index s = 1; s < 5; ++s) {
      EXPECT_NEAR(rest(theta.col(s)), rest(theta.col(0)), 1e-7 * std::abs(rest(theta.col(0))));
    }
  }
}

TEST(NonCentred, IsTheModelInOtherCoordinates) {
  const Linear linear(Likelihood::student_t, 12, 9);
  const NonCentred model = linear.non_centred();
  const ConditionalNormal conditional = linear.conditional();
  const std::unique_ptr<Glm> glm = linear.glm();
  const Index q = 10;
  EXPECT_EQ(model.parameters().unconstrained_name(0), "z_intercept");
  EXPECT_EQ(model.parameters().unconstrained_name(2), "z_beta[x1]");
  EXPECT_EQ(model.parameters().unconstrained_name(q), "sigma");
  EXPECT_EQ(model.quantities().front().name, "intercept");
  EXPECT_EQ(model.num_judged(), glm->num_judged());
  EXPECT_TRUE(model.has_scales());

  const Matrix theta = reference::make_theta(model.parameters(), 4, 0.6);
  Matrix own = theta;
  for (Index s = 0; s < 4; ++s) {
    conditional.coefficients(theta.col(s).head(q), theta(q, s), own.col(s).head(q));
  }
  const Index values = num_constrained(glm->quantities());
  Matrix of_model(values, 4), of_glm(values, 4);
  model.compute_quantities(theta, 1, 0, of_model);
  glm->compute_quantities(own, 1, 0, of_glm);
  EXPECT_EQ(of_model, of_glm);

  ASSERT_EQ(num_constrained(model.log_prior_terms()), num_constrained(glm->log_prior_terms()));
  Matrix terms(num_constrained(glm->log_prior_terms()), 4), terms_of_glm = terms;
  model.compute_log_prior_terms(theta, terms);
  glm->compute_log_prior_terms(own, terms_of_glm);
  EXPECT_EQ(terms, terms_of_glm);

  for (Index block = 0; block < glm->blocks(); ++block) {
    Vector rows(glm->rows(block)), rows_of_glm(glm->rows(block));
    ASSERT_TRUE(model.log_likelihood_rows(block, theta.col(1), rows));
    ASSERT_TRUE(glm->log_likelihood_rows(block, own.col(1), rows_of_glm));
    EXPECT_EQ(rows, rows_of_glm);
    const Address first{.seed = 4, .purpose = Purpose::predict};
    EXPECT_EQ(model.predict(block, theta, first, false)->response,
              glm->predict(block, own, first, false)->response);
  }

  const Address at{.seed = 5, .purpose = Purpose::start};
  const Vector start = model.draw_start(at, Reach::far), start_of_glm = glm->draw_start(at, Reach::far);
  Vector beta(q);
  conditional.coefficients(start.head(q), start[q], beta);
  EXPECT_LT((beta - start_of_glm.head(q)).norm(), 1e-6 * start_of_glm.norm());
  EXPECT_EQ(start.tail(2), start_of_glm.tail(2));
}

}  // namespace
}  // namespace vfe
