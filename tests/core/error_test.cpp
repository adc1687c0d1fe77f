#include "vfe/core/error.hpp"

#include <gtest/gtest.h>
#include <sysexits.h>

namespace vfe {
namespace {

TEST(Error, FaultsAreTheExitCodesOfSysexits) {
  EXPECT_EQ(static_cast<int>(Fault::usage), EX_USAGE);
  EXPECT_EQ(static_cast<int>(Fault::data), EX_DATAERR);
  EXPECT_EQ(static_cast<int>(Fault::missing), EX_NOINPUT);
  EXPECT_EQ(static_cast<int>(Fault::bug), EX_SOFTWARE);
  EXPECT_EQ(static_cast<int>(Fault::cannot_create), EX_CANTCREAT);
  EXPECT_EQ(static_cast<int>(Fault::io), EX_IOERR);
  EXPECT_EQ(static_cast<int>(Fault::stopped), EX_TEMPFAIL);
  EXPECT_EQ(static_cast<int>(Fault::config), EX_CONFIG);
}

TEST(Error, ARowIsNamedByItsNumberUntilAReaderKnowsBetter) {
  const RowError error(41, "response \"y\" is 2, expected 0 or 1");
  EXPECT_EQ(error.fault(), Fault::data);
  EXPECT_EQ(error.row(), 41);
  EXPECT_STREQ(error.what(), "row 41: response \"y\" is 2, expected 0 or 1");
  EXPECT_EQ(error.found(), "response \"y\" is 2, expected 0 or 1");
}

TEST(Error, ATextOfSeveralLinesBecomesOne) {
  EXPECT_EQ(one_line("no such file"), "no such file");
  EXPECT_EQ(one_line("  found: \n\n  a\t b \r\n"), "found: a b");
  EXPECT_EQ(one_line(" \n "), "");
  EXPECT_EQ(one_line(""), "");
}

}  // namespace
}  // namespace vfe
