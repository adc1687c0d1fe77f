#include "vfe/comm/request.hpp"

#include <array>
#include <atomic>
#include <csignal>

namespace vfe {
namespace {

constexpr std::array<int, 5> signals = {SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGHUP};

// Written by a handler that may interrupt any thread, so atomic; lock-free, so allowed in a handler.
std::atomic<int> checkpoint_asked{0};
std::atomic<int> stop_asked_by_clock{0};
std::atomic<int> stop_signal{0};
static_assert(std::atomic<int>::is_always_lock_free);

std::array<struct sigaction, signals.size()> previous;

extern "C" void remember(int signal) {
  if (signal == SIGUSR2) {
    checkpoint_asked = 1;
  } else {
    int none = 0;  // the first one to ask is the one reported
    stop_signal.compare_exchange_strong(none, signal);
  }
}

}  // namespace

SignalGuard::SignalGuard() {
  struct sigaction action = {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &action, &previous[i]);
}

SignalGuard::~SignalGuard() {
  for (std::size_t i = 0; i < signals.size(); ++i) sigaction(signals[i], &previous[i], nullptr);
}

Request local_request() {
  Request request;
  request.signal = stop_signal;
  request.checkpoint = checkpoint_asked != 0;
  request.stop = request.signal != 0 || stop_asked_by_clock != 0;
  return request;
}

void request_stop() {
  stop_asked_by_clock = 1;
}

void clear_request(bool everything) {
  checkpoint_asked = 0;
  if (everything) {
    stop_asked_by_clock = 0;
    stop_signal = 0;
  }
}

}  // namespace vfe
