#pragma once
#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace vfe {

/// Whether a wrong answer can be told from a right one at all.
enum class Silence { expected, not_expected };

/// Counts what became of faults of one kind, expects that none was lost or silent, and records the counts for
/// scripts/reliability.
class Tally {
 public:
  explicit Tally(std::string kind, Silence silence = Silence::not_expected)
      : kind_(std::move(kind)), silence_(silence) {}
  ~Tally() {
    EXPECT_EQ(lost_, 0) << kind_;
    testing::Test::RecordProperty("kind", kind_);
    testing::Test::RecordProperty("tried", tried_);
    testing::Test::RecordProperty("lost", lost_);
    testing::Test::RecordProperty("silent", silent_);
  }
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;

  /// One more fault. It is survived unless something is said of it: with the right answer, or with one clear
  /// line and the right exit code.
  void add() { ++tried_; }
  void lose(const std::string& how) {
    ++lost_;
    ADD_FAILURE() << kind_ << ": " << how;
  }
  /// A wrong answer that looks like a right one.
  void find_silent(const std::string& how) {
    ++silent_;
    if (silence_ == Silence::not_expected) ADD_FAILURE() << kind_ << ": silent: " << how;
  }
  int tried() const { return tried_; }

 private:
  std::string kind_;
  Silence silence_;
  int tried_ = 0, lost_ = 0, silent_ = 0;
};

}  // namespace vfe
