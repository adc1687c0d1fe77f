#include "run/progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "vfe/core/error.hpp"
#include "vfe/core/notice.hpp"
#include "vfe/core/printable.hpp"
#include "vfe/core/wrapped.hpp"

namespace vfe {
namespace {

constexpr double live_interval = 0.1, plain_interval = 10.0;  // [s]
constexpr double telling = 1.0;                               // [s] after which a pace says something

/// Of stderr; a usual one where it does not say.
std::size_t terminal_width() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return known ? size.ws_col : 80;
}

std::string first_line(const std::string& wrapped) {
  return wrapped.substr(0, wrapped.find('\n'));
}

}  // namespace

double TimeToGo::after(const Record& record, double seconds) {
  // A stage that sets itself more to do begins anew.
  if (record.stage != stage_ || !(record.share >= share_)) {
    stage_ = record.stage;
    begin_ = seconds;
    share_ = record.share;
  }
  const double done = record.share - share_, left = std::max(1.0 - record.share, 0.0);
  if (!(done > 0.0) || seconds - begin_ < telling) return nan;
  return (seconds - begin_) * left / done;
}

std::string rough_duration(double seconds) {
  if (seconds < 99.5) return fmt::format("{:.0f} s", seconds);
  if (seconds < 99.5 * 60.0) return fmt::format("{:.0f} min", seconds / 60.0);
  if (seconds < 48.0 * 3600.0) return fmt::format("{:.1f} h", seconds / 3600.0);
  return fmt::format("{:.1f} days", seconds / 86400.0);
}

std::string progress_text(std::uint64_t step, const Record& record, double seconds, double to_go,
                          double rows_per_second) {
  std::string text = fmt::format("{:>7.1f} s  {}", seconds, one_line(record.stage));
  if (record.places > 0) {
    text += fmt::format(" ({} of {}{})", record.place, record.all_run ? "" : "at most ", record.places);
  }
  if (!std::isnan(record.share)) text += fmt::format(" {:.0f} %", 100.0 * std::min(record.share, 1.0));
  if (std::isfinite(to_go)) text += fmt::format(", at most {} left", rough_duration(to_go));
  const std::string error = record.std_error > 0.0 ? fmt::format(" +- {:.3g}", record.std_error) : "";
  text += fmt::format("  step {}  free energy {:.6g}{}  gradient {:.3g}  rate {:.3g}  {:.3g} rows/s", step,
                      record.free_energy, error, record.gradient_norm, record.rate, rows_per_second);
  return record.note.empty() ? text : text + "  " + one_line(record.note);
}

Progress::Progress(bool quiet) : quiet_(quiet), terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  erase();
}

void Progress::step(std::uint64_t step, const Record& record, double seconds, double rows_per_second) {
  if (quiet_) return;
  const double to_go = to_go_.after(record, seconds);
  const bool new_stage = record.stage != stage_;
  if (!new_stage && seconds - last_ < (terminal_ ? live_interval : plain_interval)) return;
  stage_ = record.stage;
  last_ = seconds;
  const std::string text = progress_text(step, record, seconds, to_go, rows_per_second);
  if (terminal_) {
    // A line that goes on in the next row would not be erased.
    notice("\r\x1b[K" + first_line(wrapped(text, terminal_width() - 1, 0)));
    live_ = true;
  } else {
    notice(text + "\n");
  }
}

void Progress::line(const std::string& text) {
  erase();
  notice("vfe: " + printable(text) + "\n");
}

void Progress::erase() {
  if (!live_) return;
  notice("\r\x1b[K");
  live_ = false;
}

}  // namespace vfe
