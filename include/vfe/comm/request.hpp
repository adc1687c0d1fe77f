#pragma once
#include <cstdint>

namespace vfe {

/// What a signal or the clock asks of a running fit.
struct Request {
  bool checkpoint = false;  ///< USR2: write a checkpoint and go on
  bool stop = false;        ///< USR1, TERM, INT, HUP, wall clock: write a checkpoint and stop
  int signal = 0;           ///< the signal that asked to stop; 0 = the clock
};

/// Installs handlers that remember USR1, USR2, TERM, INT, HUP for this process (SA_RESTART); restores the
/// old ones at the end of its life. One at a time.
class SignalGuard {
 public:
  SignalGuard();
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;
};

/// What has been asked of this process so far. Not yet agreed among ranks: see Target::request().
Request local_request();
/// Asks to stop on behalf of the clock.
void request_stop();
/// Forgets the checkpoint request (after one was written), or everything.
void clear_request(bool everything = false);

}  // namespace vfe
