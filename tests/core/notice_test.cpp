#include "vfe/core/notice.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <string>

namespace vfe {
namespace {

/// For its life stderr is a pipe.
class PipeForStderr {
 public:
  PipeForStderr() : before_(::dup(STDERR_FILENO)) {
    EXPECT_EQ(::pipe(ends_), 0);
    ::dup2(ends_[1], STDERR_FILENO);
    ::close(ends_[1]);
  }
  ~PipeForStderr() {
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
  }
  std::string read() const {
    char bytes[100];
    const ssize_t count = ::read(ends_[0], bytes, sizeof bytes);
    return std::string(bytes, count < 0 ? 0 : static_cast<std::size_t>(count));
  }
  void end_reading() const { ::close(ends_[0]); }

 private:
  int before_, ends_[2] = {};
};

TEST(Notice, EndsNothingWhereNobodyListens) {
  std::string heard;
  bool pending = false;
  {
    const PipeForStderr pipe;
    notice("a line\n");
    heard = pipe.read();
    pipe.end_reading();
    notice("lost\n");  // else this ends the test by a signal
    sigset_t signals;
    sigpending(&signals);
    pending = sigismember(&signals, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, nullptr, &signals);
    pending = pending || sigismember(&signals, SIGPIPE) == 1;
  }
  EXPECT_EQ(heard, "a line\n");
  EXPECT_FALSE(pending);  // and signals are as they were
}

}  // namespace
}  // namespace vfe
