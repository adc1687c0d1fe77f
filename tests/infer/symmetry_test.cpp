#include "vfe/infer/symmetry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "infer/toys.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

SignedPermutation random_element(Index d, std::uint64_t seed) {
  const std::vector<Index> order = permutation(Address{.seed = seed, .purpose = Purpose::simulate}, d);
  return {order, toys::random_matrix(d, 1, seed).array().sign().matrix()};
}

std::vector<SignedPermutation> neighbours(Index d) {
  std::vector<SignedPermutation> list;
  for (Index k = 0; k + 1 < d; ++k) list.push_back(SignedPermutation::swap(d, k, k + 1));
  return list;
}

/// All signs and exchanges of d coordinates.
Symmetries signs_and_exchanges(Index d) {
  std::vector<SignedPermutation> generators = neighbours(d);
  generators.push_back(SignedPermutation::flip(d, {0}));
  return Symmetries(d, generators);
}

void expect_group(const Symmetries& group) {
  ASSERT_TRUE(group.element(0).is_identity());
  std::vector<SignedPermutation> all;
  for (Index g = 0; g < group.size(); ++g) all.push_back(group.element(g));
  for (Index a = 0; a < group.size(); ++a) {
    EXPECT_TRUE(compose(group.element(a), group.element(group.inverse(a))).is_identity());
    for (Index b = 0; b < group.size(); ++b) {
      EXPECT_EQ(std::ranges::count(all, compose(group.element(a), group.element(b))), 1);
    }
  }
}

/// A model from the density of unconstrained parameters alone, and the target over it.
struct Density {
  Density(const std::vector<Parameter>& parameters, const std::function<double(ConstVec)>& log_density)
      : model(make_model(parameters, [log_density](ConstVec x, Vec) { return log_density(x); })),
        target(*model, Communicator::self()) {}
  std::vector<SignedPermutation> hold(const std::vector<SignedPermutation>& tried, ConstMat points) const {
    return that_hold(target, {}, tried, points);
  }
  Vector values(ConstMat theta) const {
    Vector value(theta.cols());
    target.log_joint(theta, value);
    return value;
  }
  Symmetries find(ConstMat modes) const {
    const Matrix noise = toys::random_matrix(modes.rows(), 3, 77);
    const Matrix points = modes(Eigen::all, std::vector<Index>{0, modes.cols() - 1, 0}) + 0.3 * noise;
    return find_symmetries(target, {}, modes, -values(modes), points);
  }
  std::uint64_t cost() const { return target.calls().values; }
  std::unique_ptr<const Model> model;
  Target target;
};

Parameter array(const std::string& name, const std::vector<Index>& sizes,
                Transform transform = Transform::identity) {
  Parameter parameter{.name = name, .transform = transform};
  for (std::size_t axis = 0; axis < sizes.size(); ++axis)
    parameter.dimensions.push_back({name + std::to_string(axis), sizes[axis], {}});
  return parameter;
}

/// log of the mean of normal densities (but for a constant) at y, summed over a few y.
double mixture(ConstVec mean, ConstVec weight) {
  double value = 0.0;
  for (const double y : {-5.1, -4.2, -3.9, 0.4, 1.1, 5.7, 6.0, 6.3, 5.1}) {
    double sum = 0.0;
    for (Index k = 0; k < mean.size(); ++k) sum += weight(k) * std::exp(-0.5 * std::pow(y - mean(k), 2));
    value += std::log(sum);
  }
  return value - 0.005 * mean.squaredNorm();
}

Vector vector(std::initializer_list<double> values) {
  return Eigen::Map<const Vector>(values.begin(), static_cast<Index>(values.size()));
}

TEST(SignedPermutation, ComposesAndInvertsAsAMap) {
  const Matrix theta = toys::random_matrix(7, 4, 1);
  const SignedPermutation a = random_element(7, 2), b = random_element(7, 3);
  EXPECT_EQ(compose(a, b).apply(theta), a.apply(b.apply(theta)));
  EXPECT_EQ(a.inverse().apply(a.apply(theta)), theta);
  EXPECT_TRUE(compose(a, a.inverse()).is_identity());
  EXPECT_FALSE(a.is_identity());
  EXPECT_FALSE(SignedPermutation::flip(7, {3}).is_identity());
  EXPECT_EQ(SignedPermutation::swap(3, 0, 2).apply(vector({1, 2, 3})), vector({3, 2, 1}));
  for (Index i = 0; i < 7; ++i) {
    const double expected = a.sign(i) * theta(a.source[static_cast<std::size_t>(i)], 0);
    EXPECT_EQ(a.apply(theta)(i, 0), expected);
  }
}

TEST(SignedPermutation, TakesANormalToTheNormalOfTheImages) {
  const SignedPermutation g = random_element(6, 5);
  const Matrix p = g.apply(Matrix::Identity(6, 6));
  Affine normal{toys::random_matrix(6, 1, 6), toys::random_matrix(6, 6, 7)};  // the upper triangle is no part
  const Matrix lower = normal.scale.triangularView<Eigen::Lower>();
  const Affine image = g.apply(normal);
  EXPECT_EQ(image.shift, p * normal.shift);
  EXPECT_TRUE(image.scale.isLowerTriangular(0.0));
  EXPECT_GT(image.scale.diagonal().minCoeff(), 0.0);
  EXPECT_LT((image.scale * image.scale.transpose() - p * lower * lower.transpose() * p.transpose()).norm(),
            1e-13);

  normal.scale = toys::random_matrix(6, 1, 8).cwiseAbs();
  const Affine diagonal = g.apply(normal);
  ASSERT_TRUE(diagonal.diagonal());
  EXPECT_EQ(diagonal.scale, (p * normal.scale).cwiseAbs());
}

TEST(Symmetries, AreGroups) {
  EXPECT_EQ(Symmetries(4).size(), 1);
  EXPECT_EQ(Symmetries(4, neighbours(4)).size(), 24);
  expect_group(Symmetries(4, neighbours(4)));
  EXPECT_EQ(signs_and_exchanges(3).size(), 48);
  expect_group(signs_and_exchanges(3));
  EXPECT_EQ(signs_and_exchanges(4).size(), 384);
  EXPECT_EQ(Symmetries(6, neighbours(6)).size(), 720);
  EXPECT_TRUE(Symmetries(6, neighbours(6)).complete());
  SignedPermutation cycle = SignedPermutation::identity(5);
  cycle.source = {1, 2, 3, 4, 0};
  EXPECT_EQ(Symmetries(5, {cycle}).size(), 5);
}

TEST(Symmetries, DoNotDependOnTheGenerators) {
  const Symmetries one(4, neighbours(4));
  SignedPermutation cycle = SignedPermutation::identity(4);
  cycle.source = {1, 2, 3, 0};
  const Symmetries other(4, {cycle, SignedPermutation::swap(4, 2, 3)});
  ASSERT_EQ(other.size(), one.size());
  for (Index g = 0; g < one.size(); ++g) EXPECT_EQ(one.element(g), other.element(g));
}

TEST(Symmetries, AreAGroupAlsoWhereTheyAreIncomplete) {
  const Symmetries group(8, neighbours(8));
  EXPECT_FALSE(group.complete());
  EXPECT_EQ(group.size(), 720);
  EXPECT_EQ(Symmetries(group.pack()).complete(), false);

  std::vector<SignedPermutation> signs;
  for (Index i = 0; i < 12; ++i) signs.push_back(SignedPermutation::flip(12, {i}));
  const Symmetries some(12, signs);
  EXPECT_FALSE(some.complete());
  EXPECT_EQ(some.size(), 512);
  for (Index g = 0; g < some.size(); ++g) EXPECT_EQ(some.inverse(g), g);
}

TEST(Symmetries, RefuseWhatIsNoSignedPermutation) {
  SignedPermutation twice = SignedPermutation::identity(3), half = twice, outside = twice;
  twice.source[0] = 1;
  half.sign(1) = 0.5;
  outside.source[2] = 3;
  for (const SignedPermutation& bad : {twice, half, outside, SignedPermutation::identity(4)}) {
    try {
      Symmetries(3, {bad});
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::bug);
    }
  }
}

TEST(Symmetries, LiveInTheMemory) {
  for (const Symmetries& group : {Symmetries(3), signs_and_exchanges(3), Symmetries(8, neighbours(8))}) {
    const Symmetries again(group.pack());
    EXPECT_EQ(again.pack(), group.pack());
    EXPECT_EQ(again.complete(), group.complete());
    ASSERT_EQ(again.size(), group.size());
    for (Index g = 0; g < group.size(); ++g) EXPECT_EQ(again.element(g), group.element(g));
  }
}

TEST(Symmetries, RefuseAnotherMemory) {
  const Matrix good = signs_and_exchanges(3).pack();
  Matrix no_identity = good, nan = good, twice = good, redundant(4, good.cols() + 1);
  no_identity(1, 0) = -1.0;
  nan(2, 1) = std::numeric_limits<double>::quiet_NaN();
  twice(1, 1) = twice(2, 1);
  redundant << good, good.rightCols(1);
  for (const Matrix& bad : {no_identity, nan, twice, redundant, Matrix(0, 0), Matrix(4, 0)}) {
    try {
      Symmetries{bad};
      ADD_FAILURE() << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::checkpoint);
    }
  }
}

TEST(Symmetries, HaveOneCanonicalImage) {
  const Symmetries group = signs_and_exchanges(4);
  const Matrix theta = toys::random_matrix(4, 5, 9);
  for (Index s = 0; s < theta.cols(); ++s) {
    Vector sorted = theta.col(s).cwiseAbs();
    std::ranges::sort(sorted, std::greater<>());
    for (Index g = 0; g < group.size(); ++g) {
      EXPECT_EQ(group.canonical(group.apply(g, theta.col(s))), sorted);
    }
  }
}

TEST(Symmetries, HaveACanonicalImageThatRoundingDoesNotChange) {
  // Blocks (mean, sd) whose means agree but for rounding are told apart by their sds.
  SignedPermutation blocks = SignedPermutation::identity(4);
  blocks.source = {1, 0, 3, 2};
  const Symmetries group(4, {blocks});
  EXPECT_EQ(group.canonical(vector({2.0, 2.0 + 1e-14, 7.0, 5.0}))(2), 7.0);
  EXPECT_EQ(group.canonical(vector({2.0 + 1e-14, 2.0, 5.0, 7.0}))(2), 7.0);
  EXPECT_EQ(group.canonical(vector({2.0, 2.5, 7.0, 5.0})), vector({2.5, 2.0, 5.0, 7.0}));
}

TEST(Symmetries, FindTheNearestImage) {
  const Symmetries group = signs_and_exchanges(4);
  const Affine metric{toys::random_matrix(4, 1, 1), toys::random_precision(4, 2).llt().matrixL()};
  const Vector theta = 3.0 * toys::random_matrix(4, 1, 3), to = toys::random_matrix(4, 1, 4);
  const Index best = group.nearest_image(theta, to, metric);
  const auto distance = [&](Index g) {
    return metric.scale.triangularView<Eigen::Lower>().solve(Vector(group.apply(g, theta) - to)).norm();
  };
  for (Index g = 0; g < group.size(); ++g) EXPECT_LE(distance(best), distance(g) + 1e-12);
  EXPECT_EQ(group.nearest_image(group.apply(17, theta), theta, Affine{theta, Vector::Ones(4)}),
            group.inverse(17));
}

TEST(Symmetries, TellWhichImagesAreOtherPlaces) {
  const Symmetries group(3, neighbours(3));
  const Affine metric{Vector::Zero(3), Vector::Ones(3)};
  EXPECT_THAT(group.distinct_images(vector({1.0, 2.0, 5.0}), metric, 0.1), SizeIs(6));
  EXPECT_THAT(group.distinct_images(vector({1.0, 1.0, 5.0}), metric, 0.1), SizeIs(3));
  EXPECT_THAT(group.distinct_images(vector({1.0, 1.01, 1.0}), metric, 0.1), ElementsAre(0));
}

TEST(Symmetries, GiveTheImagesOfADrawNextToOneAnother) {
  const Symmetries group(3, neighbours(3));
  const Matrix theta = toys::random_matrix(3, 4, 5), all = images(group, theta);
  ASSERT_EQ(all.cols(), 24);
  for (Index s = 0; s < 4; ++s) {
    for (Index g = 0; g < 6; ++g) EXPECT_EQ(all.col(s * 6 + g), group.apply(g, theta.col(s)));
  }
  EXPECT_EQ(images(group, theta.leftCols(0)).cols(), 0);
}

TEST(Symmetries, GiveImagesTheNumbersOfTheirDrawRowByRow) {
  const Symmetries group = signs_and_exchanges(2);
  const Index n = 6, copies = group.size();
  OwnedDraws draws{toys::random_matrix(2, n, 7), toys::random_matrix(2, n, 8)};
  draws.log_joint = Vector::LinSpaced(n, -1.0, -6.0);
  for (const Index row : {1, 3}) {
    const Symmetrised all = symmetrise(group, view(draws), row);
    ASSERT_EQ(all.copies, copies);
    ASSERT_EQ(all.size(), n * copies);
    for (Index s = 0; s < n; ++s) {
      for (Index j = 0; j < copies; ++j) {
        const Index at = s / row * row * copies + j * row + s % row;
        EXPECT_EQ(all.group[static_cast<std::size_t>(at)], s);
        EXPECT_EQ(all.log_joint(at), draws.log_joint(s));
        EXPECT_EQ(all.theta.col(at), group.apply(j, draws.theta.col(s)));
        EXPECT_EQ(all.gradient.col(at), group.apply(j, draws.gradient.col(s)));
      }
    }
  }
}

TEST(Match, FindsWhatTookOnePointToTheOther) {
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    const SignedPermutation g = random_element(9, seed);
    const Vector from = toys::random_matrix(9, 1, 100 + seed);
    const Vector to = Vector(g.apply(from)) + 1e-8 * toys::random_matrix(9, 1, 200 + seed);
    EXPECT_EQ(match(from, to, 1e-6), g);
  }
}

TEST(Match, LeavesInPlaceWhatAgreesThere) {
  const auto g = match(vector({1.0, 2.0, 3.0, 3.0, 0.0}), vector({2.0, -1.0, 3.0, 3.0, 0.0}), 1e-6);
  SignedPermutation expected = SignedPermutation::swap(5, 0, 1);
  expected.sign(1) = -1.0;
  EXPECT_EQ(g, expected);
  EXPECT_EQ(match(vector({1.0, 1.0, 2.0}), vector({-1.0, -1.0, 2.0}), 1e-6),
            SignedPermutation::flip(3, {0, 1}));
}

TEST(Match, GivesNothingWhereThereIsNoneOrMoreThanOne) {
  const Vector a = vector({1.0, 2.0, 3.0});
  EXPECT_FALSE(match(a, a, 1e-6));
  EXPECT_FALSE(match(a, vector({1.0, 2.0, 4.0}), 1e-6));
  EXPECT_FALSE(match(a, vector({3.0, 3.0, 2.0}), 1e-6));
  EXPECT_FALSE(match(vector({1.0, 1.0, 2.0, 2.0}), vector({2.0, 2.0, 1.0, 1.0}), 1e-6));
  EXPECT_FALSE(match(a, vector({2.0, 1.0, std::numeric_limits<double>::quiet_NaN()}), 1e-6));
}

TEST(ThatHold, KeepsGradientsConsistent) {
  const Matrix a = toys::random_matrix(3, 1, 3);
  const toys::Toy toy(3, 1, [](Index, ConstVec x, Vec grad) {
    const double r = x.sum();
    double value = std::sin(r);
    for (Index i = 0; i < x.size(); ++i) {
      value -= 0.25 * std::pow(x(i), 4);
      grad(i) += std::cos(r) - std::pow(x(i), 3);
    }
    return value;
  });
  const auto held = that_hold(toy.target, {}, neighbours(3), a);
  ASSERT_THAT(held, SizeIs(2));
  for (const SignedPermutation& g : held) {
    const Matrix points = images(Symmetries(3, {g}), a);
    Vector value(points.cols());
    Matrix grad = Matrix::Zero(3, points.cols());
    toy.target.log_joint(points, value, grad);
    EXPECT_TRUE(grad.col(1).isApprox(g.apply(grad.col(0)), 1e-12));
  }
}

TEST(ThatHold, AsksAboutOneValueForEachCandidate) {
  const Density density({array("x", {30})}, [](ConstVec x) {
    double value = 0.0;
    for (Index i = 0; i < x.size(); ++i) value -= std::pow(x(i) - std::sin(static_cast<double>(i + 1)), 2);
    return value;
  });
  const auto tried = candidates(density.target.parameters());
  EXPECT_THAT(density.hold(tried, toys::random_matrix(30, 3, 1)), IsEmpty());
  EXPECT_EQ(density.cost(), tried.size() + 3);
}

TEST(ThatHold, LearnsNothingFromAPointThatIsNotMovedOrHasNoDensity) {
  const Density half({array("x", {2})}, [](ConstVec x) {
    return x(0) < 0.0 ? std::numeric_limits<double>::quiet_NaN() : -x.array().square().sum() + 0.1 * x(0);
  });
  const auto swap = SignedPermutation::swap(2, 0, 1), flip = SignedPermutation::flip(2, {1});
  EXPECT_THAT(half.hold({swap, flip}, vector({1.0, 1.0})), ElementsAre(flip));
  EXPECT_THAT(half.hold({swap, flip}, vector({-1.0, 3.0})), IsEmpty());
  Matrix points(2, 3);
  points << 1.0, -1.0, 1.0, 1.0, 3.0, 2.0;
  EXPECT_THAT(half.hold({swap, flip}, points), ElementsAre(flip));
  EXPECT_THAT(half.hold({SignedPermutation::flip(2, {0})}, vector({1.0, 1.0})), IsEmpty());
  EXPECT_THAT(half.hold({}, points), IsEmpty());
}

TEST(FindSymmetries, ExchangesTheMeansOfAMixture) {
  const Density density({array("mu", {3}), {"noise"}}, [](ConstVec x) {
    return mixture(x.head(3), Vector::Ones(3)) - std::pow(x(3) - 1.0, 2);
  });
  const Symmetries group = density.find(vector({5.8, -4.4, 0.7, 1.0}));
  EXPECT_EQ(group.size(), 6);
  EXPECT_TRUE(group.complete());
  const Matrix theta = 3.0 * toys::random_matrix(4, 1, 4);
  const Vector value = density.values(images(group, theta));
  EXPECT_LT((value.array() - value(0)).abs().maxCoeff(), 1e-12);
}

TEST(FindSymmetries, IsNotMisledByWhatIsAlmostSymmetric) {
  const Density density({array("mu", {3})}, [](ConstVec x) {
    return mixture(x, Vector::Ones(3)) - 1e-5 * std::pow(x(0) - 1.0, 2) - 2e-5 * std::pow(x(1) - 1.0, 2);
  });
  Matrix modes(3, 2);
  modes << 5.8, -4.4, -4.4, 5.8, 0.7, 0.7;
  EXPECT_EQ(density.find(modes).size(), 1);
}

TEST(FindSymmetries, ExchangesTwoComponentsWithTheirWeight) {
  const std::vector<Parameter> parameters{array("mu", {2}), {"w", {}, Transform::bounded}};
  const Density density(parameters, [](ConstVec x) {
    return mixture(x.head(2), vector({x(2), 1.0 - x(2)}));
  });
  EXPECT_EQ(density.find(vector({5.8, -4.4, 0.6})).size(), 2);
}

TEST(FindSymmetries, TurnsTheSignsOfFactors) {
  // Four variables of two factors, scaled apart; the factors exchange too.
  const Density density({array("loading", {4, 2}), array("log_sd", {4})}, [](ConstVec x) {
    const Matrix loading = x.head(8).reshaped(2, 4).transpose();
    Matrix covariance = loading * loading.transpose();
    covariance.diagonal().array() += (2.0 * x.tail(4).array()).exp();
    const Matrix data = toys::random_precision(4, 3);
    const Eigen::LLT<Matrix> llt(covariance);
    return -20.0 * (std::log(llt.matrixLLT().diagonal().prod()) + 0.5 * llt.solve(data).trace()) -
           0.5 * x.squaredNorm();
  });
  Vector mode(12);
  mode << 1.0, 0.2, 0.9, -0.5, 0.8, 0.6, 0.7, 0.1, -0.3, -0.2, 0.1, 0.2;
  const Symmetries group = density.find(mode);
  EXPECT_EQ(group.size(), 8);
  expect_group(group);

  const Vector truth = toys::random_matrix(8, 1, 8);
  const Density one({array("a", {3}), array("z", {5})}, [&](ConstVec x) {
    double misfit = 0.0;
    for (Index i = 0; i < 3; ++i) {
      for (Index k = 3; k < 8; ++k) misfit += std::pow(x(i) * x(k) - truth(i) * truth(k), 2);
    }
    return -10.0 * misfit - 0.1 * x.squaredNorm();
  });
  const Symmetries sign = one.find(truth);
  ASSERT_EQ(sign.size(), 2);
  EXPECT_EQ(sign.element(1).sign, -Vector::Ones(8));
}

/// Breaks b, weights w: exchanging the breaks exchanges w2 and w3.
double breaks(ConstVec x) {
  return -8.0 * std::pow(std::pow(x(0) - x(1), 2) - 9.0, 2) - std::pow(x(0) + x(1) - 1.0, 2) -
         std::pow(x(2) - 1.0, 2) - std::pow(x(3) - 0.5, 2) - 10.0 * std::pow(x(4) - std::tanh(x(0)), 2) -
         10.0 * std::pow(x(5) - std::tanh(x(1)), 2);
}

TEST(FindSymmetries, LearnsFromTwoModesWhatTheShapesDoNotSay) {
  const Density density({array("b", {2}), array("w", {4})}, breaks);
  Matrix modes(6, 2);
  modes << 2.0, -1.0, -1.0, 2.0, 1.0, 1.0, 0.5, 0.5, std::tanh(2.0), std::tanh(-1.0), std::tanh(-1.0),
      std::tanh(2.0);
  modes += 1e-7 * toys::random_matrix(6, 2, 3);  // as searches find them
  EXPECT_EQ(density.find(modes.leftCols(1)).size(), 1);
  const Symmetries group = density.find(modes);
  ASSERT_EQ(group.size(), 2);
  EXPECT_THAT(group.element(1).source, ElementsAre(1, 0, 2, 3, 5, 4));
}

TEST(FindSymmetries, LeavesOutWhatTakesNoModeToAnotherPlace) {
  // A mixture, and twelve coordinates about 0 of which the density depends on the size alone.
  const Density density({array("mu", {2}), array("z", {12})}, [](ConstVec x) {
    return mixture(x.head(2), Vector::Ones(2)) - 0.5 * x.tail(12).squaredNorm();
  });
  Vector mode = 1e-3 * toys::random_matrix(14, 1, 2);  // not quite where it is
  mode.head(2) << 5.8, -4.4;
  const Symmetries group = density.find(mode);
  EXPECT_EQ(group.size(), 2);
  EXPECT_TRUE(group.complete());
  EXPECT_EQ(group.element(1), SignedPermutation::swap(14, 0, 1));
}

TEST(FindSymmetries, KeepsWhatMovesAnImageOfAMode) {
  // At a mode where two of the five components are one and the same.
  const Density density({array("mu", {5})}, [](ConstVec x) { return mixture(x, Vector::Ones(5)); });
  const Symmetries group = density.find(vector({0.7, 0.7, 5.8, -4.4, 12.0}));
  EXPECT_EQ(group.size(), 120);
}

TEST(FindSymmetries, CostsLittleWhereThereIsNone) {
  const Matrix precision = toys::random_precision(30, 3);
  const Vector mean = toys::random_matrix(30, 1, 4);
  for (const auto& parameters :
       {std::vector<Parameter>{array("a", {30})},
        {array("a", {10, 2}), array("b", {10})},
        {array("a", {6}), array("b", {6}), array("c", {6}), array("e", {6}), array("g", {6})}}) {
    const Density density(parameters,
                          [&](ConstVec x) { return -0.5 * (x - mean).dot(precision * (x - mean)); });
    const Symmetries group = density.find(mean);
    EXPECT_EQ(group.size(), 1);
    EXPECT_TRUE(group.complete());
    EXPECT_LE(density.cost(), 205u);
  }
}

TEST(FindSymmetries, NeedsNoModesAndNoPoints) {
  const Density density({array("x", {2})}, [](ConstVec x) { return -x.squaredNorm(); });
  const Matrix none(2, 0);
  EXPECT_EQ(find_symmetries(density.target, {}, none, Vector(0), none).size(), 1);
  const Matrix points = toys::random_matrix(2, 3, 1);
  EXPECT_EQ(find_symmetries(density.target, {}, none, Vector(0), points).size(), 8);
}

}  // namespace
}  // namespace vfe
