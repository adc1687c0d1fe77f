#include "vfe/infer/audit.hpp"

#include <gtest/gtest.h>

#include "infer/toys.hpp"
#include "vfe/family/family.hpp"
#include "vfe/infer/left.hpp"

namespace vfe {
namespace {

/// A pool of draws of N(0, I) for a target that is N(shift, I), and the audit's starts.
State audited(const toys::Toy& toy, const AuditOptions& options, std::vector<Record>* records = nullptr) {
  const Affine unit{Vector::Zero(2), Vector::Ones(2)};
  std::vector<Place> places;
  places.emplace_back(importance(toy.target, {}));
  places.emplace_back(audit(toy.target, options), nullptr, [&](State& state) {
    place_chains(state, unit, toys::random_matrix(2, options.chains, 5), "audit");
  });
  const Program program(std::move(places));
  State state;
  state.stage = "importance";
  state.lambda = normal_lambda(unit);
  Proposal modes;
  modes.add(1.0, Student{unit});
  state.put(left::found_modes, modes);
  importance(toy.target, {})->start(state);
  while (!state.finished()) {
    State resumed = state;  // nothing lives outside the state
    const Record record = program.advance(resumed);
    state = std::move(resumed);
    if (records != nullptr) records->push_back(record);
  }
  return state;
}

TEST(Audit, ShowsTheRuleThePoolAndShortChainsAndKeepsNoDraws) {
  const toys::Toy toy(2, 1, toys::gaussian(Vector::Zero(2), Matrix::Identity(2, 2)));
  AuditOptions options;
  int asked = 0;
  options.rule = [&](const WeightedPool& pool, const ChainDraws& draws) {
    ++asked;
    EXPECT_EQ(pool.theta.cols(), 1024);
    EXPECT_EQ(draws.superchains, 48);
    EXPECT_EQ(draws.iterations(), 8);
    EXPECT_NEAR(draws.theta.rowwise().squaredNorm().sum() / static_cast<double>(draws.theta.size()), 1.0,
                0.3);
    return std::string();
  };
  const State state = audited(toy, options);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(state.get(left::audited), AuditOutcome::passed);
  for (const auto& [name, value] : state.memory) {
    EXPECT_FALSE(name.starts_with("audit_")) << name;
  }
}

TEST(Audit, AnObjectionIsTheLastWord) {
  const toys::Toy toy(2, 1, toys::gaussian(Vector::Zero(2), Matrix::Identity(2, 2)));
  AuditOptions options;
  options.rule = [](const WeightedPool&, const ChainDraws&) { return std::string("they differ"); };
  std::vector<Record> records;
  const State state = audited(toy, options, &records);
  EXPECT_EQ(state.get(left::audited), AuditOutcome::failed);
  EXPECT_EQ(records.back().note, "they differ");
  EXPECT_EQ(records.back().stage, "audit");
}

}  // namespace
}  // namespace vfe
