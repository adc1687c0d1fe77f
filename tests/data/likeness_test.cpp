#include "data/likeness.hpp"

#include <gtest/gtest.h>

namespace vfe {
namespace {

TEST(FaultsA2Likeness, KnowsNumbersWithAUnit) {
  for (const char* text : {"$100.22", "12.5%", "1,240 EUR", "\xe2\x82\xac 3.50", "-3 kg", "1 234,50", "<0.5",
                           "5'000", "12 %", "+7.5 cm", "USD 12"}) {
    EXPECT_EQ(likeness(text), "a number with a unit") << text;
  }
}

TEST(FaultsA2Likeness, KnowsDates) {
  for (const char* text : {"2024-03-01", "1.3.2024", "03/01/24", "12:30:05", "2024-03-01T12:30:05Z",
                           "2024-03-01 12:30", "3 March 2024", "Mar 3, 2024", "2024-03"}) {
    EXPECT_EQ(likeness(text), "a date") << text;
  }
}

TEST(FaultsA2Likeness, LeavesWordsAndCodesAlone) {
  for (const char* text :
       {"", "yes", "lo", "x1", "a12b7", "ward-3", "group 10", "north", "m", "march", "ID00017"}) {
    EXPECT_EQ(likeness(text), "") << text;
  }
}

TEST(FaultsA2Likeness, MostDecide) {
  EXPECT_EQ(common_likeness({"$1", "$2", "on request"}), "a number with a unit");
  EXPECT_EQ(common_likeness({"$1", "mid", "high"}), "");
  EXPECT_EQ(common_likeness({}), "");
}

}  // namespace
}  // namespace vfe
