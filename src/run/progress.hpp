#pragma once
#include <cstdint>
#include <string>

#include "vfe/infer/stage.hpp"

namespace vfe {

/// What people see of a fit on stderr: one line that is rewritten in place where stderr is a terminal, else a
/// plain line at most every 10 s and at each change of stage.
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
};

}  // namespace vfe
