#include "vfe/comm/request.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace vfe {
namespace {

class RequestTest : public testing::Test {
 protected:
  RequestTest() { clear_request(true); }
  ~RequestTest() override { clear_request(true); }
};

TEST_F(RequestTest, Usr2AsksForACheckpointOnly) {
  const SignalGuard guard;
  std::raise(SIGUSR2);
  EXPECT_TRUE(local_request().checkpoint);
  EXPECT_FALSE(local_request().stop);
  clear_request();
  EXPECT_FALSE(local_request().checkpoint);
}

TEST_F(RequestTest, TheOthersAskToStopAndTheFirstIsReported) {
  const SignalGuard guard;
  for (const int signal : {SIGUSR1, SIGTERM, SIGINT, SIGHUP}) {
    clear_request(true);
    EXPECT_FALSE(local_request().stop);
    std::raise(signal);
    std::raise(SIGUSR1);
    EXPECT_TRUE(local_request().stop);
    EXPECT_EQ(local_request().signal, signal);
    EXPECT_FALSE(local_request().checkpoint);
  }
  clear_request();
  EXPECT_TRUE(local_request().stop);
}

TEST_F(RequestTest, TheClockAsksWithoutASignal) {
  request_stop();
  EXPECT_TRUE(local_request().stop);
  EXPECT_EQ(local_request().signal, 0);
}

volatile std::sig_atomic_t own_handler_calls = 0;

TEST_F(RequestTest, GuardRestoresWhatWasThere) {
  struct sigaction own = {}, before = {};
  own.sa_handler = [](int) { own_handler_calls = own_handler_calls + 1; };
  sigaction(SIGHUP, &own, &before);
  {
    const SignalGuard guard;
    std::raise(SIGHUP);
    EXPECT_EQ(own_handler_calls, 0);
  }
  std::raise(SIGHUP);
  EXPECT_EQ(own_handler_calls, 1);
  sigaction(SIGHUP, &before, nullptr);
}

}  // namespace
}  // namespace vfe
