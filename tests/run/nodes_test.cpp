// The number of nodes that a run integrates effects of groups with.
#include <gmock/gmock.h>

#include "run/grouped_fit.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/run/trace.hpp"
#include "vfe/store/checkpoint.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

class NodesOfRuns : public testing::Test {
 protected:
  NodesOfRuns() {
    write_grouped_dataset(folder / "data.h5");
    whole = run_fit(config());
    nodes = chosen_nodes();
    std::vector<std::string> warnings;
    end = read_checkpoint(folder / "run", warnings).value();
  }
  Config config(std::vector<std::string> overrides = {}) const {
    overrides.emplace_back("family.type=auto");
    return grouped_config(folder, "logistic", "z ~ x + (1 | school)", overrides);
  }
  std::int64_t chosen_nodes() const {
    return std::get<std::int64_t>(read_result(folder / "run" / "result.h5").attributes.at("nodes"));
  }

  /// As if one node had been chosen; what the fit before the result comes to is left to resume.
  void choose_one_node() const {
    ASSERT_TRUE(end.state.finished() && end.state.get(left::nodes) == nodes);
    Checkpoint of_one = end;
    of_one.state.put(left::nodes, 1);
    write_checkpoint(folder / "run", of_one);
    std::filesystem::remove(folder / "run" / "result.h5");
  }

  /// The steps of the trace are those of one run.
  void expect_steps_in_order() const {
    const Vector step = read_trace(folder / "run" / "trace.jsonl").at("step");
    EXPECT_EQ(step, Vector::LinSpaced(step.size(), 1.0, static_cast<double>(step.size())));
  }

  RunOutcome run_in_pieces() const {
    int runs = 0;
    RunOutcome pieces;
    do pieces = run_fit(config({"fit.max_time=0.000001"}), Existing::resume);
    while (pieces.fit.stopped && ++runs < 1000);
    EXPECT_GT(runs, 5);
    return pieces;
  }

  static void expect_same(const RunOutcome& found, const RunOutcome& expected) {
    EXPECT_EQ(found.lambda_hash, expected.lambda_hash);
    EXPECT_EQ(found.draws_hash, expected.draws_hash);
    EXPECT_EQ(found.fit.verdict.reason, expected.fit.verdict.reason);
  }

  TemporaryFolder folder;
  RunOutcome whole;
  Checkpoint end;  ///< of it
  std::int64_t nodes = 0;
};

TEST_F(NodesOfRuns, AreMoreWhereTheResultShowsThatTheyAreTooFew) {
  ASSERT_GT(nodes, 1);
  choose_one_node();
  const RunOutcome again = run_fit(config(), Existing::resume);
  EXPECT_THAT(contents(folder / "run" / "log.txt"), HasSubstr("with 1 node for each effect"));
  expect_same(again, whole);
  EXPECT_EQ(chosen_nodes(), nodes);
  expect_steps_in_order();
  choose_one_node();
  expect_same(run_in_pieces(), whole);
  EXPECT_EQ(chosen_nodes(), nodes);
  expect_steps_in_order();
}

TEST_F(NodesOfRuns, AreTheSameOfARunInPieces) {
  std::filesystem::remove_all(folder / "run");
  expect_same(run_in_pieces(), whole);
  EXPECT_EQ(chosen_nodes(), nodes);
  expect_steps_in_order();
}

TEST_F(NodesOfRuns, AreNotChosenWhereTheyAreGiven) {
  std::filesystem::remove_all(folder / "run");
  const RunOutcome one = run_fit(config({"model.integrate=1"}));
  EXPECT_EQ(chosen_nodes(), 1);
  EXPECT_EQ(one.fit.verdict.grade, Grade::rejected);
  EXPECT_THAT(one.fit.verdict.reason, HasSubstr("1 node is too few to integrate effects of groups"));
  const std::string trace = contents(folder / "run" / "trace.jsonl");
  EXPECT_THAT(trace, testing::Not(HasSubstr("\"quadrature\"")));
}

}  // namespace
}  // namespace vfe
