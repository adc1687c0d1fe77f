#include "store/hdf5_crash.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using hdf5::CrashGuard;
using testing::ExitedWithCode;

constexpr int code = static_cast<int>(Fault::data);

/// Calls itself until the stack ends.
int deep(int level) {
  volatile char bytes[4096] = {};
  return level < 0 ? 0 : deep(level + 1) + bytes[0];
}

TEST(Hdf5CrashDeathTest, EndsWithOneLineAndTheCodeOfData) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGABRT}) {
    EXPECT_EXIT(
        {
          const CrashGuard guard("folder/data.h5");
          ::raise(signal);
        },
        ExitedWithCode(code), "^vfe: folder/data.h5: is damaged: HDF5 crashed reading it\n$");
  }
}

TEST(Hdf5CrashDeathTest, AtTheEndOfTheStackToo) {
  const auto overflow = [] {
    const rlimit small{1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_STACK, &small);
    const CrashGuard guard("data.h5");
    std::exit(deep(0));
  };
  EXPECT_EXIT(overflow(), ExitedWithCode(code), "^vfe: data.h5: is damaged");
}

TEST(Hdf5CrashDeathTest, NamesTheInnermostAndThenTheOuterFile) {
  EXPECT_EXIT(
      {
        const CrashGuard outer("outer.h5");
        const CrashGuard inner("inner.h5");
        ::raise(SIGSEGV);
      },
      ExitedWithCode(code), "^vfe: inner.h5");
  EXPECT_EXIT(
      {
        const CrashGuard outer("outer.h5");
        { const CrashGuard inner("inner.h5"); }
        ::raise(SIGSEGV);
      },
      ExitedWithCode(code), "^vfe: outer.h5");
}

TEST(Hdf5CrashDeathTest, WhatCrashesElsewhereIsNotTakenForDamage) {
  EXPECT_EXIT(
      {
        { const CrashGuard guard("data.h5"); }
        std::signal(SIGABRT, SIG_DFL);
        ::raise(SIGABRT);
      },
      testing::KilledBySignal(SIGABRT), "^$");
}

}  // namespace
}  // namespace vfe
