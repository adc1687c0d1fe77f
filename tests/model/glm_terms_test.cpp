// Terms of cells against the same design with all of its zeros.
#include "model/glm_terms.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "model/glm_kernel.hpp"
#include "model/glm_reference.hpp"
#include "vfe/core/error.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {
namespace {

using reference::Problem;
using reference::Shape;

// Makes terms the design of a problem, whose columns become their numbers. Some rows have no coefficient.
void set_terms(Problem& problem, std::vector<DesignTerm> terms) {
  DesignSchema& schema = problem.schema;
  schema.columns.clear();
  for (DesignTerm& term : terms) {
    term.first_coefficient = schema.num_columns();
    for (Index i = 0; i < term.num_coefficients(); ++i) {
      const std::string name = term.name + "[" + std::to_string(i) + "]";
      schema.columns.push_back({.name = name, .source = term.name});
    }
  }
  schema.terms = std::move(terms);
  Rows& rows = problem.rows;
  rows.cells.resize(rows.size(), schema.num_indices());
  for (const DesignTerm& term : schema.terms) {
    for (Index i = 0; term.index >= 0 && i < rows.size(); ++i) {
      const double u =
          uniform({.seed = 21, .purpose = Purpose::simulate, .draw = static_cast<std::uint32_t>(i)},
                  static_cast<std::uint32_t>(term.index));
      rows.cells(i, term.index) = static_cast<std::int32_t>(u * static_cast<double>(term.num_cells + 1)) - 1;
    }
  }
}

// Numbers alone and in cells, of one term or several, an index of three terms, a term of nothing but 1.
std::vector<DesignTerm> all_sorts() {
  return {{.name = "a", .index = 0, .num_cells = 5},
          {.name = "x", .column = 3},
          {.name = "poly:a", .column = 1, .width = 2, .index = 0, .num_cells = 5},
          {.name = "one"},
          {.name = "poly", .column = 1, .width = 2},
          {.name = "z:b", .column = 0, .index = 1, .num_cells = 105},
          {.name = "b", .index = 1, .num_cells = 105},
          {.name = "x:a", .column = 3, .index = 0, .num_cells = 5}};
}

std::vector<DesignTerm> only_cells() {
  return {{.name = "b", .index = 1, .num_cells = 40}, {.name = "a", .index = 0, .num_cells = 2}};
}

Problem indexed(Shape shape, const std::vector<DesignTerm>& terms) {
  shape.columns = 0;
  for (const DesignTerm& term : terms)
    shape.columns = std::max(shape.columns, term.column < 0 ? 0 : term.column + term.width);
  Problem problem = reference::make_problem(shape);
  set_terms(problem, terms);
  return problem;
}

// The same rows as numbers alone.
Problem with_zeros(const Problem& problem) {
  Problem dense = problem;
  dense.rows.x = dense_design(problem.schema, problem.rows);
  dense.rows.cells.resize(0, 0);
  dense.schema.terms.clear();
  return dense;
}

Glm model_of(const Problem& problem) {
  return Glm(problem.options, rows_in_memory(problem.schema, problem.rows));
}

void expect_like_reference(const Problem& problem, Index draws) {
  const Problem dense = with_zeros(problem);
  const Glm model = model_of(problem);
  const Parameters& parameters = model.parameters();
  EXPECT_EQ(parameters.size(), model_of(dense).parameters().size());
  const Matrix theta = reference::make_theta(parameters, draws, 0.2);
  for (Index block = 0; block < model.blocks(); ++block) {
    const Index first = problem.schema.blocks.first(block), last = problem.schema.blocks.last(block);
    Vector value = Vector::Constant(draws, 1.5);
    Matrix grad = Matrix::Constant(theta.rows(), draws, -0.5);
    model.log_likelihood(block, theta, value, grad);
    for (Index s = 0; s < draws; ++s) {
      const reference::Result expected =
          reference::log_likelihood(dense, parameters, theta.col(s), first, last);
      const std::string where = to_string(problem.options.likelihood) + " block " + std::to_string(block) +
                                " draw " + std::to_string(s);
      const auto expected_value = static_cast<double>(expected.value);
      EXPECT_NEAR(value[s] - 1.5, expected_value, 1e-12 * (1.0 + std::abs(expected_value))) << where;
      for (Index i = 0; i < theta.rows(); ++i) {
        const auto slope = static_cast<double>(expected.grad[static_cast<std::size_t>(i)]);
        EXPECT_NEAR(grad(i, s) + 0.5, slope, 1e-9 * (1.0 + std::abs(slope)))
            << where << " " << parameters.unconstrained_name(i);
      }
    }
    Vector by_row(model.rows(block));
    model.log_likelihood_rows(block, theta.col(0), by_row);
    EXPECT_NEAR(value[0] - 1.5, by_row.sum(), 1e-11 * (1.0 + by_row.cwiseAbs().sum()));
  }
}

TEST(GlmTerms, MatchThePlainLoopForEveryLikelihoodAndNumberOfDraws) {
  for (const Likelihood likelihood : reference::all_likelihoods) {
    for (const Index draws : {1, 2, 3, 8, 15}) {
      expect_like_reference(indexed({.likelihood = likelihood, .rows = 60, .block_rows = 43}, all_sorts()),
                            draws);
    }
    expect_like_reference(indexed({.likelihood = likelihood, .rows = 60, .block_rows = 60}, only_cells()), 3);
  }
}

TEST(GlmTerms, MatchThePlainLoopInEveryShape) {
  for (const Index rows : {1, 7, 8, 127, 128, 300}) {
    expect_like_reference(
        indexed({.likelihood = Likelihood::poisson, .rows = rows, .block_rows = rows}, all_sorts()), 5);
  }
  Shape shape{.likelihood = Likelihood::linear, .rows = 70, .block_rows = 33, .single = false};
  expect_like_reference(indexed(shape, all_sorts()), 3);
  shape.intercept = shape.weights = shape.offsets = false;
  expect_like_reference(indexed(shape, all_sorts()), 3);
  expect_like_reference(indexed(shape, only_cells()), 3);
  expect_like_reference(
      indexed({.likelihood = Likelihood::softmax, .rows = 40, .block_rows = 40, .classes = 9}, all_sorts()),
      5);
  // Cells beside more numbers than are in work at a time.
  expect_like_reference(indexed({.likelihood = Likelihood::logistic, .rows = 20, .block_rows = 20},
                                {{.name = "many", .column = 0, .width = 300},
                                 {.name = "a", .index = 0, .num_cells = 3},
                                 {.name = "z:a", .column = 300, .index = 0, .num_cells = 3}}),
                        3);
}

TEST(GlmTerms, PredictAndSimulateLikeTheDesignWithItsZeros) {
  for (const Likelihood likelihood : reference::all_likelihoods) {
    Problem problem = indexed({.likelihood = likelihood}, all_sorts());
    Problem dense = with_zeros(problem);
    const Glm model = model_of(problem), twin = model_of(dense);
    const Matrix theta = reference::make_theta(model.parameters(), 3);
    const Address at{.seed = 5, .purpose = Purpose::predict};
    const Prediction found = model.predict(1, theta, at, true).value();
    const Prediction expected = twin.predict(1, theta, at, true).value();
    EXPECT_TRUE(found.mean.isApprox(expected.mean, 1e-13)) << to_string(likelihood);
    EXPECT_TRUE(found.log_density.isApprox(expected.log_density, 1e-13));
    EXPECT_TRUE(found.response.isApprox(expected.response, 1e-12));
    Vector truth(model.parameters().num_constrained());
    model.parameters().constrain(theta.col(0), truth);
    simulate_response(problem.options, problem.schema, problem.rows, truth, at);
    simulate_response(dense.options, dense.schema, dense.rows, truth, at);
    EXPECT_TRUE(problem.rows.y.isApprox(dense.rows.y, 1e-12)) << to_string(likelihood);
  }
}

class GlmTermsInstructionSet : public testing::Test {
 protected:
  void TearDown() override { glm_kernel::choose_instruction_set(""); }
};

Matrix evaluate(const Glm& model, const Matrix& draws) {
  Matrix out = Matrix::Zero(draws.rows() + 1, draws.cols());
  Vector value = Vector::Zero(draws.cols());
  model.log_likelihood(0, draws, value, out.topRows(draws.rows()));
  out.bottomRows(1) = value.transpose();
  return out;
}

TEST_F(GlmTermsInstructionSet, VectorsOfAnyWidthGiveTheSameBits) {
  for (const Likelihood likelihood : {Likelihood::logistic, Likelihood::softmax}) {
    const Problem problem = indexed({.likelihood = likelihood, .rows = 300, .block_rows = 300}, all_sorts());
    const Glm model = model_of(problem);
    const Matrix theta = reference::make_theta(model.parameters(), 15);
    std::vector<Matrix> found;
    for (const std::string& name : glm_kernel::instruction_sets()) {
      glm_kernel::choose_instruction_set(name);
      const Matrix here = evaluate(model, theta);
      if (!found.empty() && name == "SCALAR") {
        EXPECT_TRUE(here.isApprox(found.front(), 1e-13));
        continue;
      }
      found.push_back(here);
      EXPECT_EQ(found.front(), here) << to_string(likelihood) << " " << name;
    }
  }
}

TEST(GlmTerms, ADrawHasTheSameBitsInAnyCompany) {
  for (const Likelihood likelihood : {Likelihood::linear, Likelihood::softmax}) {
    const Problem problem = indexed({.likelihood = likelihood, .rows = 300, .block_rows = 300}, all_sorts());
    const Glm model = model_of(problem);
    const Matrix theta = reference::make_theta(model.parameters(), 41);
    const Matrix all = evaluate(model, theta);
    for (const Index count : {1, 2, 3, 5, 8, 15, 31, 33}) {
      for (const Index first : {Index{0}, Index{3}, 41 - count}) {
        const Index n = std::min(count, 41 - first);
        EXPECT_EQ(evaluate(model, theta.middleCols(first, n)), all.middleCols(first, n)) << n;
      }
    }
    Matrix spoilt = theta;
    spoilt.col(6).setConstant(std::numeric_limits<double>::quiet_NaN());
    const Matrix found = evaluate(model, spoilt);
    EXPECT_EQ(found.leftCols(6), all.leftCols(6));
    EXPECT_EQ(found.rightCols(34), all.rightCols(34));
    EXPECT_TRUE(std::isnan(found(theta.rows(), 6)));
  }
}

TEST(GlmTerms, DenseTermsAloneAreColumns) {
  const std::vector<DesignTerm> terms{{.name = "x", .column = 2}, {.name = "poly", .column = 0, .width = 2}};
  const Problem problem = indexed({.likelihood = Likelihood::logistic}, terms);
  const Glm model = model_of(problem), twin = model_of(with_zeros(problem));
  const Matrix theta = reference::make_theta(model.parameters(), 5);
  EXPECT_EQ(evaluate(model, theta), evaluate(twin, theta));
}

std::string error_of(const Problem& problem) {
  try {
    model_of(problem);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::data);
    return error.what();
  }
  return "";
}

TEST(GlmTerms, BadRowsAreNamed) {
  const Problem good = indexed({.likelihood = Likelihood::logistic}, all_sorts());
  EXPECT_EQ(error_of(good), "");
  for (const std::int32_t cell : {5, -2}) {
    Problem bad = good;
    bad.rows.cells(17, 0) = cell;
    EXPECT_THAT(error_of(bad), testing::AllOf(testing::HasSubstr("row 17"), testing::HasSubstr("\"a\""),
                                              testing::HasSubstr(std::to_string(cell)),
                                              testing::HasSubstr("0 to 4, or -1")));
  }
  // Where a number is of several terms, the first is named.
  const std::vector<std::string> names{"z:b", "poly:a", "poly:a", "x[0]"};
  for (std::size_t j = 0; j < names.size(); ++j) {
    Problem bad = good;
    std::get<Rows::RowMajor<float>>(bad.rows.x)(3, static_cast<Index>(j)) =
        std::numeric_limits<float>::infinity();
    EXPECT_THAT(error_of(bad), testing::AllOf(testing::HasSubstr("row 3"), testing::HasSubstr("inf"),
                                              testing::HasSubstr("\"" + names[j] + "\"")));
  }
}

// What the derived coefficients say of the user's numbers is what the model says of the stored ones.
void expect_derived(Problem problem, bool intercept_derived) {
  const DesignSchema& schema = problem.schema;
  const Glm model = model_of(problem);
  const Parameters& parameters = model.parameters();
  Matrix all(num_constrained(model.quantities()), 1);
  model.compute_quantities(reference::make_theta(parameters, 1, 0.5), 1, 0, all);
  std::map<std::string, Vector> values;
  Index next = 0;
  for (const Parameter& quantity : model.quantities()) {
    values[quantity.name] = all.col(0).segment(next, quantity.num_constrained());
    next += quantity.num_constrained();
  }
  ASSERT_EQ(values.count("intercept_original"), intercept_derived ? 1u : 0u);
  const auto& x = std::get<Rows::RowMajor<double>>(problem.rows.x);
  const Index p = schema.num_columns(), classes = problem.predictors();
  const bool real = is_real(problem.options.likelihood);
  const double centre = real ? schema.response_centre : 0.0, scale = real ? schema.response_scale : 1.0;
  for (Index i = 0; i < x.rows(); ++i) {
    for (Index k = 0; k < classes; ++k) {
      double eta = problem.options.intercept ? values["intercept"][k] : 0.0;
      double original = intercept_derived ? values["intercept_original"][k] : 0.0;
      for (const DesignTerm& term : schema.terms) {
        const Index cell = term.index < 0 ? 0 : problem.rows.cells(i, term.index);
        if (cell < 0) continue;
        for (Index j = 0; j < term.width; ++j) {
          const Index c = term.first_coefficient + cell * term.width + j;
          const Column& column = schema.columns[static_cast<std::size_t>(c)];
          const double stored = term.column < 0 ? 1.0 : x(i, term.column + j);
          eta += stored * values["beta"][k * p + c];
          original += (column.centre + column.scale * stored) * values["beta_original"][k * p + c];
        }
      }
      EXPECT_NEAR(original, centre + scale * eta, 1e-12);
    }
  }
}

void set_coding(Problem& problem, std::size_t term, Index j, double centre, double scale, Index absorber) {
  const DesignTerm& of = problem.schema.terms[term];
  for (Index cell = 0; cell < of.num_cells; ++cell) {
    const Index c = of.first_coefficient + cell * of.width + j;
    problem.schema.columns[static_cast<std::size_t>(c)] = {.name = "c" + std::to_string(c),
                                                           .source = of.name,
                                                           .centre = centre,
                                                           .scale = scale,
                                                           .absorber = absorber};
  }
}

TEST(GlmTerms, DerivedQuantitiesAreOnTheUsersScale) {
  for (const Likelihood likelihood : {Likelihood::linear, Likelihood::logistic, Likelihood::softmax}) {
    // y ~ a + x + poly:a, with a reference level of a.
    Problem problem = indexed({.likelihood = likelihood, .single = false, .offsets = false, .classes = 3},
                              {{.name = "a", .index = 0, .num_cells = 4},
                               {.name = "x", .column = 2},
                               {.name = "poly:a", .column = 0, .width = 2, .index = 0, .num_cells = 4}});
    set_coding(problem, 1, 0, 3.0, 0.5, -1);
    set_coding(problem, 2, 0, -1.5, 2.0, 0);
    set_coding(problem, 2, 1, 0.7, 3.0, 0);
    expect_derived(problem, true);
    // y ~ 0 + a + x + poly:a: every row is in a cell.
    problem.options.intercept = false;
    problem.rows.cells = problem.rows.cells.cwiseMax(0);
    problem.schema.constant_term = 0;
    set_coding(problem, 1, 0, 3.0, 0.5, 0);
    expect_derived(problem, false);
    // Where nothing else is said, what is constant takes what centring took.
    set_coding(problem, 1, 0, 3.0, 0.5, -1);
    expect_derived(problem, false);
    problem.schema.constant_term = -1;
    expect_derived(problem, true);
  }
}

TEST(GlmTerms, APriorScaleMayNameATermOrACoefficient) {
  Problem problem = indexed({.likelihood = Likelihood::logistic}, only_cells());
  problem.options.intercept = false;
  problem.options.prior_scale_by_name = {{"a", 0.5}, {"a[1]", 3.0}};
  const Glm model = model_of(problem);
  Vector value = Vector::Zero(1);
  Matrix grad = Matrix::Zero(42, 1);
  model.log_prior(Vector::Ones(42), value, grad);
  EXPECT_DOUBLE_EQ(grad(0, 0), -1.0 / (2.5 * 2.5));
  EXPECT_DOUBLE_EQ(grad(40, 0), -4.0);
  EXPECT_DOUBLE_EQ(grad(41, 0), -1.0 / 9.0);
}

}  // namespace
}  // namespace vfe
