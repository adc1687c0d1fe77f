// The likelihoods against the plain loop of glm_reference.hpp, over shapes that take every path of the
// kernel.
#include "model/glm_kernel.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "model/glm_reference.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {
namespace {

using reference::Problem;
using reference::Shape;

void expect_close(long double expected, double found, double tolerance, const std::string& what) {
  const double scale = std::max(1.0, static_cast<double>(std::abs(expected)));
  EXPECT_NEAR(static_cast<double>(expected), found, tolerance * scale) << what;
}

void expect_like_reference(const Shape& shape, Index draws, GlmOptions options = {}) {
  Problem problem = reference::make_problem(shape);
  options.likelihood = shape.likelihood;
  options.intercept = shape.intercept;
  problem.options = options;
  const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
  const Matrix theta = reference::make_theta(model.parameters(), draws, 0.5 / std::sqrt(1.0 + shape.columns));
  for (Index block = 0; block < model.blocks(); ++block) {
    const Index first = problem.schema.blocks.first(block), last = problem.schema.blocks.last(block);
    ASSERT_EQ(last - first, model.rows(block));
    // Results are added to what is there.
    Vector value = Vector::Constant(draws, 1.5);
    Matrix grad = Matrix::Constant(theta.rows(), draws, -0.5);
    model.log_likelihood(block, theta, value, grad);
    for (Index s = 0; s < draws; ++s) {
      const reference::Result expected =
          reference::log_likelihood(problem, model.parameters(), theta.col(s), first, last);
      const std::string where =
          to_string(shape.likelihood) + " block " + std::to_string(block) + " draw " + std::to_string(s);
      expect_close(expected.value + 1.5L, value[s], 1e-12, where);
      for (Index i = 0; i < theta.rows(); ++i) {
        expect_close(expected.grad[static_cast<std::size_t>(i)] - 0.5L, grad(i, s), 1e-9,
                     where + " " + model.parameters().unconstrained_name(i));
      }
    }
    Vector rows(model.rows(block));
    model.log_likelihood_rows(block, theta.col(0), rows);
    EXPECT_NEAR(value[0] - 1.5, rows.sum(), 1e-11 * (1.0 + rows.cwiseAbs().sum()));
  }
}

TEST(GlmKernel, MatchesThePlainLoopForEveryNumberOfDraws) {
  for (const Likelihood likelihood : reference::all_likelihoods) {
    for (const Index draws : {1, 3, 16, 17, 33}) {
      expect_like_reference({.likelihood = likelihood, .rows = 100, .columns = 7, .block_rows = 61}, draws);
    }
  }
}

TEST(GlmKernel, MatchesThePlainLoopForEveryNumberOfColumns) {
  for (const Likelihood likelihood : reference::all_likelihoods) {
    for (const Index columns : {1, 2, 28, 130, 300}) {
      expect_like_reference({.likelihood = likelihood, .rows = 43, .columns = columns, .block_rows = 43}, 3);
    }
  }
}

TEST(GlmKernel, MatchesThePlainLoopOverSeveralTilesOfRows) {
  for (const Likelihood likelihood : reference::all_likelihoods) {
    for (const Index rows : {1, 7, 8, 9, 256, 257, 600}) {
      expect_like_reference({.likelihood = likelihood, .rows = rows, .columns = 3, .block_rows = rows}, 2);
    }
  }
}

TEST(GlmKernel, MatchesThePlainLoopInDoubleStorageAndWithoutInterceptWeightsOffsets) {
  for (const Likelihood likelihood : reference::all_likelihoods) {
    Shape shape{.likelihood = likelihood, .rows = 70, .columns = 28, .block_rows = 33, .single = false};
    expect_like_reference(shape, 3);
    shape.intercept = false;
    expect_like_reference(shape, 3);
    shape.weights = false;
    expect_like_reference(shape, 3);
    shape.offsets = false;
    expect_like_reference(shape, 3);
    shape.single = true;
    shape.intercept = true;
    expect_like_reference(shape, 3);
  }
}

TEST(GlmKernel, MatchesThePlainLoopForKnownSigmaFixedNuAndManyClasses) {
  GlmOptions options;
  options.known_sigma = 1.7;
  expect_like_reference({.likelihood = Likelihood::linear}, 3, options);
  options.degrees_of_freedom = 2.5;
  expect_like_reference({.likelihood = Likelihood::student_t}, 3, options);
  expect_like_reference({.likelihood = Likelihood::softmax, .classes = 2}, 17);
  expect_like_reference({.likelihood = Likelihood::softmax, .classes = 40}, 3);
}

TEST(GlmKernel, ValuesAloneAreThoseWithGradient) {
  for (const Likelihood likelihood : reference::all_likelihoods) {
    const Problem problem = reference::make_problem({.likelihood = likelihood});
    const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
    const Matrix theta = reference::make_theta(model.parameters(), 5);
    Vector value = Vector::Zero(5), alone = Vector::Zero(5);
    Matrix grad = Matrix::Zero(theta.rows(), 5), none(theta.rows(), 0);
    model.log_likelihood(0, theta, value, grad);
    model.log_likelihood(0, theta, alone, none);
    EXPECT_EQ(value, alone) << to_string(likelihood);
  }
}

TEST(GlmKernel, ADrawHasTheSameBitsInAnyCompany) {
  for (const Likelihood likelihood : reference::all_likelihoods) {
    const Problem problem =
        reference::make_problem({.likelihood = likelihood, .rows = 300, .columns = 150, .block_rows = 300});
    const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
    const Matrix theta = reference::make_theta(model.parameters(), 41, 0.05);
    const auto evaluate = [&](const Matrix& draws) {
      Matrix out = Matrix::Zero(theta.rows() + 1, draws.cols());
      Vector value = Vector::Zero(draws.cols());
      model.log_likelihood(0, draws, value, out.topRows(theta.rows()));
      out.bottomRows(1) = value.transpose();
      return out;
    };
    const Matrix all = evaluate(theta);
    for (const Index count : {1, 2, 3, 5, 8, 15, 31, 33}) {
      for (const Index first : {Index{0}, Index{3}, 41 - count}) {
        const Index n = std::min(count, 41 - first);
        EXPECT_EQ(evaluate(theta.middleCols(first, n)), all.middleCols(first, n))
            << to_string(likelihood) << " " << n;
      }
    }
    // Neighbours that overflow or are no numbers do not matter either.
    Matrix spoilt = theta;
    spoilt.col(6).setConstant(std::numeric_limits<double>::quiet_NaN());
    spoilt.col(8).setConstant(1e300);
    const Matrix found = evaluate(spoilt);
    EXPECT_EQ(found.leftCols(6), all.leftCols(6));
    EXPECT_EQ(found.col(7), all.col(7));
    EXPECT_EQ(found.rightCols(32), all.rightCols(32));
    EXPECT_TRUE(std::isnan(found(theta.rows(), 6))) << to_string(likelihood);
  }
}

TEST(GlmKernel, AColumnOfALargerMatrixGivesTheSameBits) {
  const Problem problem = reference::make_problem({.likelihood = Likelihood::logistic});
  const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
  const Matrix theta = reference::make_theta(model.parameters(), 3);
  Matrix large = Matrix::Zero(20, 6);
  large.block(4, 2, theta.rows(), 3) = theta;
  Vector value = Vector::Zero(3), inside = Vector::Zero(3);
  Matrix grad = Matrix::Zero(theta.rows(), 3), large_grad = Matrix::Zero(20, 6);
  model.log_likelihood(1, theta, value, grad);
  model.log_likelihood(1, large.block(4, 2, theta.rows(), 3), inside,
                       large_grad.block(5, 1, theta.rows(), 3));
  EXPECT_EQ(value, inside);
  EXPECT_EQ(grad, large_grad.block(5, 1, theta.rows(), 3));
  large_grad.block(5, 1, theta.rows(), 3).setZero();
  EXPECT_EQ(large_grad.cwiseAbs().maxCoeff(), 0.0);
}

TEST(GlmKernel, BlocksCanBeEvaluatedByThreadsAtOnce) {
  const Problem problem = reference::make_problem(
      {.likelihood = Likelihood::negative_binomial, .rows = 4000, .columns = 28, .block_rows = 500});
  const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
  const Matrix theta = reference::make_theta(model.parameters(), 9, 0.1);
  const auto evaluate = [&](Index block) {
    Vector value = Vector::Zero(9);
    Matrix grad = Matrix::Zero(theta.rows(), 9);
    model.log_likelihood(block, theta, value, grad);
    return grad;
  };
  std::vector<Matrix> alone, together(8);
  for (Index b = 0; b < 8; ++b) alone.push_back(evaluate(b));
  const auto work = [&](Index begin) {
    for (Index b = begin; b < 8; b += 2) together[static_cast<std::size_t>(b)] = evaluate(b);
  };
  std::thread even(work, 0), odd(work, 1);
  even.join();
  odd.join();
  EXPECT_EQ(alone, together);
}

TEST(GlmKernel, AShardGivesTheBitsOfTheWhole) {
  Problem problem =
      reference::make_problem({.likelihood = Likelihood::poisson, .rows = 100, .block_rows = 30});
  const Glm whole(problem.options, rows_in_memory(problem.schema, problem.rows));
  Rows part;
  part.first_block = 2;
  part.first_row = 60;
  part.blocks = problem.schema.blocks.slice({2, 4});
  part.x = Rows::RowMajor<float>(std::get<Rows::RowMajor<float>>(problem.rows.x).bottomRows(40));
  part.y = problem.rows.y.tail(40);
  part.weight = problem.rows.weight.tail(40);
  part.offset = problem.rows.offset.tail(40);
  const Glm shard(problem.options, rows_in_memory(problem.schema, part));
  EXPECT_EQ(shard.blocks(), 2);
  EXPECT_EQ(shard.rows(1), 10);
  const Matrix theta = reference::make_theta(whole.parameters(), 4);
  for (Index b = 0; b < 2; ++b) {
    Vector value = Vector::Zero(4), expected = Vector::Zero(4);
    Matrix grad = Matrix::Zero(theta.rows(), 4), expected_grad = Matrix::Zero(theta.rows(), 4);
    shard.log_likelihood(b, theta, value, grad);
    whole.log_likelihood(b + 2, theta, expected, expected_grad);
    EXPECT_EQ(value, expected);
    EXPECT_EQ(grad, expected_grad);
  }
}

// Every instruction set that this machine can run takes the same shapes through the other widths of vectors.
class GlmInstructionSet : public testing::Test {
 protected:
  void TearDown() override { glm_kernel::choose_instruction_set(""); }
};

TEST_F(GlmInstructionSet, AllMatchThePlainLoop) {
  const std::vector<std::string> sets = glm_kernel::instruction_sets();
  ASSERT_FALSE(sets.empty());
  EXPECT_EQ(instruction_set(), sets.front());
  for (const std::string& name : sets) {
    glm_kernel::choose_instruction_set(name);
    ASSERT_EQ(instruction_set(), name);
    for (const Likelihood likelihood : reference::all_likelihoods) {
      expect_like_reference({.likelihood = likelihood, .rows = 300, .columns = 19, .block_rows = 300}, 15);
    }
  }
}

// Lanes are summed in the order of the widest vectors by all that have fused multiply-add.
TEST_F(GlmInstructionSet, VectorsOfAnyWidthGiveTheSameBits) {
  for (const Likelihood likelihood : reference::all_likelihoods) {
    const Problem problem =
        reference::make_problem({.likelihood = likelihood, .rows = 300, .columns = 28, .block_rows = 300});
    const Glm model(problem.options, rows_in_memory(problem.schema, problem.rows));
    const Matrix theta = reference::make_theta(model.parameters(), 9, 0.1);
    std::vector<Matrix> found;
    for (const std::string& name : glm_kernel::instruction_sets()) {
      if (name == "SCALAR") continue;
      glm_kernel::choose_instruction_set(name);
      Vector value = Vector::Zero(9);
      Matrix grad = Matrix::Zero(theta.rows() + 1, 9);
      model.log_likelihood(0, theta, value, grad.topRows(theta.rows()));
      grad.bottomRows(1) = value.transpose();
      found.push_back(grad);
      EXPECT_EQ(found.front(), grad) << to_string(likelihood) << " " << name;
    }
  }
}

}  // namespace
}  // namespace vfe
