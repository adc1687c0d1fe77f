#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace vfe {

/// Whose fault a failure is. The value is the program's exit code (sysexits where one fits).
enum class Fault : int {
  rejected = 2,        ///< the verdict of a finished fit is `rejected` or `approximate`
  numeric = 3,         ///< the fit failed numerically; the last good state is kept
  usage = 64,          ///< the command line
  data = 65,           ///< the contents of the user's data
  missing = 66,        ///< an input that is not there
  bug = 70,            ///< vfe itself, or a plugin
  cannot_create = 73,  ///< an output that cannot be made
  io = 74,             ///< reading or writing failed midway
  stopped = 75,        ///< stopped early, checkpoint written: run again with --resume
  checkpoint = 76,     ///< no usable checkpoint
  config = 78,         ///< the configuration
};

/// The one exception of the library. `what()` is one line: what was being done, where, what was found, what
/// was expected.
class Error : public std::runtime_error {
 public:
  Error(Fault fault, const std::string& line) : std::runtime_error(line), fault_(fault) {}
  Fault fault() const noexcept { return fault_; }

 private:
  Fault fault_;
};

/// A text as one line, fit for an Error: each run of blanks and control characters becomes one blank, those
/// at the ends none.
std::string one_line(std::string_view text);

/// A value of the data that cannot be right. Readers of the data may know the row by a better name than its
/// number, and put that before found().
class RowError : public Error {
 public:
  RowError(std::int64_t row, const std::string& found)
      : Error(Fault::data, "row " + std::to_string(row) + ": " + found), row_(row), found_(found) {}
  std::int64_t row() const noexcept { return row_; }  ///< of the dataset, from 0
  const std::string& found() const noexcept { return found_; }

 private:
  std::int64_t row_;
  std::string found_;
};

}  // namespace vfe
