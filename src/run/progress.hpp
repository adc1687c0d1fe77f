#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "vfe/infer/stage.hpp"

namespace vfe {

/// How long a stage may still take, from how much of it was done by when.
class TimeToGo {
 public:
  /// `share` as in Record, `seconds` of any clock. The seconds that what is left of the stage takes at its
  /// pace so far; NaN where that is not known.
  double after(const Record& record, double seconds);

 private:
  std::string stage_;
  double begin_ = nan, share_ = nan;  ///< when it was first looked at, and what was done by then
};

/// "45 s", "12 min", "3.5 h", "2.1 days".
std::string rough_duration(double seconds);

/// What is said of a step: stage, which of how many, how much of it is done and how long the rest may take,
/// then numbers and note. One line without a newline that steers no terminal.
std::string progress_text(std::uint64_t step, const Record& record, double seconds, double to_go,
                          double rows_per_second);

/// What people see of a fit on stderr: one line that is rewritten in place where stderr is a terminal, cut to
/// its width, else a plain line at most every 10 s and at each change of stage.
class Progress {
 public:
  explicit Progress(bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `seconds` since the run began.
  void step(std::uint64_t step, const Record& record, double seconds, double rows_per_second);
  /// A line of its own, that stays; also when quiet.
  void line(const std::string& text);

 private:
  void erase();

  bool quiet_, terminal_;
  bool live_ = false;  ///< a live line stands
  double last_ = 0.0;  ///< [s] when the last line was written
  std::string stage_;
  TimeToGo to_go_;
};

}  // namespace vfe
