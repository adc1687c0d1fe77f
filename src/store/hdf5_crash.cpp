#include "store/hdf5_crash.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include "vfe/core/error.hpp"

namespace vfe::hdf5 {
namespace {

const std::string* line = nullptr;  // of the innermost guard

/// A tree of groups that leads into itself ends at the end of the stack: the handler needs one of its own.
alignas(16) std::array<char, std::size_t{1} << 16> own_stack;

extern "C" void end_with_line(int) {
  const ssize_t written = ::write(STDERR_FILENO, line->data(), line->size());
  static_cast<void>(written);  // nobody is left to be told
  ::_exit(static_cast<int>(Fault::data));
}

}  // namespace

CrashGuard::CrashGuard(const std::filesystem::path& file)
    : line_("vfe: " + one_line(fmt::format("{}: is damaged: HDF5 crashed reading it", file.string())) + "\n"),
      outer_line_(line) {
  line = &line_;
  stack_t stack = {};
  stack.ss_sp = own_stack.data();
  stack.ss_size = own_stack.size();
  ::sigaltstack(&stack, &outer_stack_);
  struct sigaction action = {};
  action.sa_handler = end_with_line;
  action.sa_flags = SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &action, &outer_[i]);
}

CrashGuard::~CrashGuard() {
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &outer_[i], nullptr);
  ::sigaltstack(&outer_stack_, nullptr);
  line = outer_line_;
}

}  // namespace vfe::hdf5
