#include "run/progress.hpp"

#include <gmock/gmock.h>

#include <cmath>

namespace vfe {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Record record_of(const std::string& stage, double share) {
  Record record;
  record.stage = stage;
  record.share = share;
  return record;
}

TEST(Progress, SaysWhichStageAndHowMuchOfIt) {
  Record record = record_of("chains", 0.346);
  record.free_energy = 12.5;
  EXPECT_THAT(progress_text(7, record, 1.0, nan, 1e5),
              AllOf(HasSubstr("    1.0 s  chains 35 %  step 7  free energy 12.5  "),
                    HasSubstr("1e+05 rows/s"), Not(HasSubstr("left"))));
  record.place = 3;
  record.places = 14;
  EXPECT_THAT(progress_text(7, record, 1.0, 61.0, 1.0),
              HasSubstr("chains (3 of at most 14) 35 %, at most 61 s left  step 7"));
  record.all_run = true;
  record.share = nan;
  EXPECT_THAT(progress_text(7, record, 1.0, nan, 1.0), HasSubstr("chains (3 of 14)  step 7"));
}

TEST(Progress, SteersNoTerminalAndStaysOnItsLine) {
  Record record = record_of("chains", nan);
  record.note = "beta[\x1b[2Jage\r\nheight]: not finite \xff";
  const std::string text = progress_text(1, record, 1.0, nan, 1.0);
  EXPECT_THAT(text, HasSubstr("beta[\\u001b[2Jage height]: not finite \\xff"));
  for (const char c : text) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
}

TEST(Progress, KnowsTheTimeToGoFromThePace) {
  TimeToGo to_go;
  EXPECT_TRUE(std::isnan(to_go.after(record_of("chains", 0.2), 100.0)));
  EXPECT_TRUE(std::isnan(to_go.after(record_of("chains", 0.21), 100.5)));  // too early to tell
  EXPECT_NEAR(to_go.after(record_of("chains", 0.4), 110.0), 30.0, 1e-9);   // 0.02 a second, 0.6 to do
  EXPECT_NEAR(to_go.after(record_of("chains", 1.2), 160.0), 0.0, 1e-9);    // beyond its limit
  // Another stage, and one that has set itself more to do, have a pace of their own.
  EXPECT_TRUE(std::isnan(to_go.after(record_of("importance", 0.5), 200.0)));
  EXPECT_NEAR(to_go.after(record_of("importance", 0.75), 210.0), 10.0, 1e-9);
  EXPECT_TRUE(std::isnan(to_go.after(record_of("importance", 0.25), 220.0)));
  EXPECT_NEAR(to_go.after(record_of("importance", 0.5), 230.0), 20.0, 1e-9);
  // Nothing is known of a stage without a limit.
  EXPECT_TRUE(std::isnan(to_go.after(record_of("modes", nan), 300.0)));
  EXPECT_TRUE(std::isnan(to_go.after(record_of("modes", nan), 400.0)));
}

TEST(Progress, RoundsDurations) {
  EXPECT_EQ(rough_duration(0.0), "0 s");
  EXPECT_EQ(rough_duration(99.0), "99 s");
  EXPECT_EQ(rough_duration(600.0), "10 min");
  EXPECT_EQ(rough_duration(7200.0), "2.0 h");
  EXPECT_EQ(rough_duration(4.0 * 86400.0), "4.0 days");
}

}  // namespace
}  // namespace vfe
