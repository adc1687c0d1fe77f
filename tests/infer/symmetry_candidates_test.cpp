#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/stan_names.hpp"
#include "vfe/infer/symmetry.hpp"

namespace vfe {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

Parameter array(const std::string& name, const std::vector<Index>& sizes,
                Transform transform = Transform::identity) {
  Parameter parameter{.name = name, .transform = transform};
  for (std::size_t axis = 0; axis < sizes.size(); ++axis)
    parameter.dimensions.push_back({name + std::to_string(axis), sizes[axis], {}});
  return parameter;
}

TEST(Candidates, FollowTheShapes) {
  const auto tried =
      candidates(Parameters({array("mu", {3}), array("sd", {3}, Transform::positive), array("b", {2})}));
  SignedPermutation both = SignedPermutation::identity(8);
  both.source = {1, 0, 2, 4, 3, 5, 6, 7};
  EXPECT_THAT(tried, Contains(both));
  both.source = {2, 1, 0, 5, 4, 3, 6, 7};
  EXPECT_THAT(tried, Contains(both));
  EXPECT_THAT(tried, Contains(SignedPermutation::swap(8, 1, 2)));
  EXPECT_THAT(tried, Contains(SignedPermutation::swap(8, 6, 7)));
  EXPECT_THAT(tried, Contains(SignedPermutation::flip(8, {0, 1, 2})));
  EXPECT_THAT(tried, Contains(SignedPermutation::flip(8, {0, 1, 2, 6, 7})));
  EXPECT_THAT(tried, Contains(SignedPermutation::flip(8, {1})));
  EXPECT_THAT(tried, Not(Contains(SignedPermutation::flip(8, {3}))));  // a positive one has no sign
  for (const SignedPermutation& g : tried) {
    EXPECT_EQ(std::ranges::count(tried, g), 1);
    EXPECT_FALSE(g.is_identity());
  }
}

TEST(Candidates, ReadTheSubscriptsOfStan) {
  // A 3 x 2 matrix, column by column, and a vector of 2.
  const auto tried = candidates(stan_coordinates("L.1.1,L.2.1,L.3.1,L.1.2,L.2.2,L.3.2,s.1,s.2"));
  SignedPermutation columns = SignedPermutation::identity(8), rows = columns;
  columns.source = {3, 4, 5, 0, 1, 2, 7, 6};
  rows.source = {0, 2, 1, 3, 5, 4, 6, 7};
  EXPECT_THAT(tried, Contains(columns));
  EXPECT_THAT(tried, Contains(rows));
  EXPECT_THAT(tried, Contains(SignedPermutation::flip(8, {3, 4, 5})));
  EXPECT_THAT(tried, Contains(SignedPermutation::flip(8, {0, 1, 2, 6})));
  // A triangle fills no array: one axis.
  const auto triangle = candidates(stan_coordinates("L.1.1,L.2.1,L.2.2"));
  EXPECT_THAT(triangle, Contains(SignedPermutation::swap(3, 1, 2)));
}

TEST(Candidates, KnowASquareByBothItsAxes) {
  const auto tried = candidates(Parameters({array("a", {2, 2}), array("mu", {2})}));
  SignedPermutation states = SignedPermutation::identity(6);
  states.source = {3, 2, 1, 0, 5, 4};
  EXPECT_THAT(tried, Contains(states));
}

TEST(Candidates, MoveSimplicesAsAWholeAndTwoWeightsByTheirSign) {
  const auto rows = candidates(Parameters({array("p", {2, 3}, Transform::simplex)}));
  SignedPermutation exchanged = SignedPermutation::identity(4);
  exchanged.source = {2, 3, 0, 1};
  EXPECT_THAT(rows, ElementsAre(exchanged));
  SignedPermutation components = SignedPermutation::swap(3, 0, 1);
  components.sign(2) = -1.0;
  EXPECT_THAT(candidates(Parameters({array("mu", {2}), array("w", {2}, Transform::simplex)})),
              Contains(components));
  EXPECT_THAT(candidates(Parameters({array("mu", {2}), array("w", {}, Transform::bounded)})),
              Contains(components));
}

TEST(Candidates, ExchangeParametersByTheirNumbers) {
  SignedPermutation both = SignedPermutation::identity(4);
  both.source = {1, 0, 3, 2};
  EXPECT_THAT(candidates(Parameters(
                  {{"mu1"}, {"mu2"}, {"sd1", {}, Transform::positive}, {"sd2", {}, Transform::positive}})),
              Contains(both));
}

TEST(Candidates, AreNotMany) {
  EXPECT_LE(candidates(Parameters({array("a", {60})})).size(), 192u);
  EXPECT_LE(candidates(Parameters({array("a", {12, 12}), array("b", {12})})).size(), 192u);
  EXPECT_THAT(candidates(Parameters({array("a", {201})})), IsEmpty());
  EXPECT_THAT(candidates(Parameters()), IsEmpty());
}

}  // namespace
}  // namespace vfe
