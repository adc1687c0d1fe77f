#include "vfe/program/answer.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "run/small_fit.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/model/function.hpp"
#include "vfe/program/inference_program.hpp"

namespace vfe {
namespace {

TEST(Answer, WeightedDrawsThatNoChainsConfirmAreNotCertified) {
  const auto model = make_model({{"x", {{"i", 2, {}}}}}, [](ConstVec x, Vec grad) {
    if (grad.size() > 0) grad -= x;
    return -0.5 * x.squaredNorm();
  });
  Config config;
  config.model.type = "function";
  config.fit.sampling = "importance";
  const Problem problem(Communicator::self(), config, *model);
  const auto family = make_family(config, problem.target().size());
  const Program program = inference_program(config, problem, *family);
  State state = program.start();
  while (!state.finished()) program.advance(state);

  ASSERT_EQ(state.get(left::audited), AuditOutcome::passed);
  const Verdict passed = answer_of(config, problem, state)->verdict;
  EXPECT_EQ(passed.grade, Grade::certified) << passed.reason;
  EXPECT_THAT(passed.reason, testing::HasSubstr("short Markov chains agree"));
  EXPECT_EQ(passed.plain, "");

  state.put(left::audited, AuditOutcome::failed);
  const Verdict failed = answer_of(config, problem, state)->verdict;
  EXPECT_EQ(failed.grade, Grade::rejected);
  EXPECT_THAT(failed.reason, testing::HasSubstr("find other moments"));
  EXPECT_THAT(failed.plain, testing::HasSubstr("contradict"));
  EXPECT_TRUE(std::isnan(failed.log_evidence));
  EXPECT_NE(failed.advice, "");

  state.drop(left::audited);
  EXPECT_EQ(answer_of(config, problem, state)->verdict.grade, Grade::rejected);
}

}  // namespace
}  // namespace vfe
