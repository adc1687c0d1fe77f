#include "vfe/statistics/draws.hpp"

#include <gtest/gtest.h>

namespace vfe {
namespace {

/// Three draws in two dimensions of which everything is known.
OwnedDraws three() {
  OwnedDraws draws{.theta = Matrix(2, 3), .gradient = Matrix(2, 3)};
  draws.theta << 1, 2, 3, 4, 5, 6;
  draws.gradient = -draws.theta;
  draws.log_joint = Vector::LinSpaced(3, -1.0, -3.0);
  draws.log_proposal = Vector::LinSpaced(3, 0.5, 1.5);
  draws.log_weight = draws.log_joint - draws.log_proposal;
  draws.group = {7, 7, 9};
  return draws;
}

TEST(Draws, AViewRefersToTheMatricesOfTheirOwner) {
  const OwnedDraws own = three();
  const Draws first = view(own), second = first;
  EXPECT_EQ(second.theta.data(), own.theta.data());
  EXPECT_EQ(second.gradient.data(), own.gradient.data());
  EXPECT_EQ(second.log_weight, own.log_weight);
  EXPECT_EQ(second.group, own.group);
  EXPECT_EQ(second.size(), 3);
}

TEST(Draws, ChosenOnesKeepWhatIsKnownOfThem) {
  const OwnedDraws own = three();
  const OwnedDraws chosen = select(view(own), {2, 0, 2, 1});
  const std::vector<Index> from{2, 0, 2, 1};
  ASSERT_EQ(chosen.size(), 4);
  for (Index k = 0; k < 4; ++k) {
    const Index s = from[static_cast<std::size_t>(k)];
    EXPECT_EQ(chosen.theta.col(k), own.theta.col(s));
    EXPECT_EQ(chosen.gradient.col(k), own.gradient.col(s));
    EXPECT_EQ(chosen.log_joint(k), own.log_joint(s));
    EXPECT_EQ(chosen.log_proposal(k), own.log_proposal(s));
    EXPECT_EQ(chosen.log_weight(k), own.log_weight(s));
    EXPECT_EQ(chosen.group[static_cast<std::size_t>(k)], own.group[static_cast<std::size_t>(s)]);
  }
}

TEST(Draws, HalvesPutTogetherAreTheWhole) {
  const OwnedDraws own = three();
  OwnedDraws both = select(view(own), {0});
  append(both, view(select(view(own), {1, 2})));
  EXPECT_EQ(both.theta, own.theta);
  EXPECT_EQ(both.gradient, own.gradient);
  EXPECT_EQ(both.log_joint, own.log_joint);
  EXPECT_EQ(both.log_proposal, own.log_proposal);
  EXPECT_EQ(both.log_weight, own.log_weight);
  EXPECT_EQ(both.group, own.group);
}

TEST(Draws, WhatIsNotKnownOfAllIsKnownOfNone) {
  const OwnedDraws own = three();
  const OwnedDraws bare{.theta = own.theta, .gradient = {}};
  OwnedDraws known_first = own, known_last = bare;
  append(known_first, view(bare));
  append(known_last, view(own));
  for (const OwnedDraws& both : {known_first, known_last, select(view(bare), {0, 1, 2, 0, 1, 2})}) {
    EXPECT_EQ(both.size(), 6);
    EXPECT_EQ(both.gradient.size(), 0);
    EXPECT_EQ(both.log_joint.size(), 0);
    EXPECT_EQ(both.log_proposal.size(), 0);
    EXPECT_EQ(both.log_weight.size(), 0);
    EXPECT_TRUE(both.group.empty());
  }
}

}  // namespace
}  // namespace vfe
