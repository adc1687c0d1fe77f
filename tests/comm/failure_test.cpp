#include "vfe/comm/failure.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <new>

namespace vfe {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Failure, OfAnErrorIsItsOwn) {
  const auto failure = failure_of([] { throw Error(Fault::io, "two\nlines"); });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->fault, Fault::io);
  EXPECT_EQ(failure->line, "two lines");
  EXPECT_FALSE(failure_of([] {}));
}

TEST(Failure, OutOfMemorySaysWhatIsTakenAndOfHowMuch) {
  const auto machine = failure_of([] { throw std::bad_alloc(); });
  ASSERT_TRUE(machine);
  EXPECT_EQ(machine->fault, Fault::bug);
  EXPECT_THAT(machine->line, AllOf(StartsWith("out of memory: "), HasSubstr("GiB in the machine")));

  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &before), 0);
  const rlimit limit{rlim_t{7} << 44, before.rlim_max};  // above what sanitizers reserve
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &limit), 0);
  const auto limited = failure_of([] { throw std::bad_alloc(); });
  ::setrlimit(RLIMIT_AS, &before);
  EXPECT_THAT(limited->line, HasSubstr("of 114688.00 GiB that the process may have"));
}

}  // namespace
}  // namespace vfe
