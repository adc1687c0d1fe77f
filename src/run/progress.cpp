#include "run/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "vfe/core/notice.hpp"

namespace vfe {
namespace {

constexpr double live_interval = 0.1, plain_interval = 10.0;  // [s]

}  // namespace

Progress::Progress(bool quiet) : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  erase();
}

void Progress::step(std::uint64_t step, const Record& record, double seconds, double rows_per_second) {
  if (quiet_) return;
  const bool new_stage = record.stage != stage_;
  if (!new_stage && seconds - last_ < (terminal_ ? live_interval : plain_interval)) return;
  stage_ = record.stage;
  last_ = seconds;
  const std::string error = record.std_error > 0.0 ? fmt::format(" +- {:.3g}", record.std_error) : "";
  const std::string text = fmt::format(
      "{:>7.1f} s  {} step {}  free energy {:.6g}{}  gradient {:.3g}  rate {:.3g}  {:.3g} rows/s{}", seconds,
      record.stage, step, record.free_energy, error, record.gradient_norm, record.rate, rows_per_second,
      record.note.empty() ? "" : "  " + record.note);
  if (terminal_) {
    notice("\r\x1b[K" + text);
    live_ = true;
  } else {
    notice(text + "\n");
  }
}

void Progress::line(const std::string& text) {
  erase();
  notice("vfe: " + text + "\n");
}

void Progress::erase() {
  if (!live_) return;
  notice("\r\x1b[K");
  live_ = false;
}

}  // namespace vfe
