#include "data/iso_date.hpp"

#include <gtest/gtest.h>

namespace vfe {
namespace {

TEST(FaultsB9IsoDate, CountsDays) {
  EXPECT_EQ(days_of_iso_date("1970-01-01"), 0.0);
  EXPECT_EQ(days_of_iso_date("1969-12-31"), -1.0);
  EXPECT_EQ(days_of_iso_date("2000-03-01"), 11017.0);
  EXPECT_EQ(days_of_iso_date("2024-02-29"), 19782.0);
  EXPECT_EQ(days_of_iso_date("1970-01-02T12:00"), 1.5);
  EXPECT_EQ(days_of_iso_date("1970-01-02 06:00:00"), 1.25);
}

TEST(FaultsB9IsoDate, KnowsWhatIsNone) {
  for (const char* text :
       {"2023-02-29", "2024-13-01", "2024-00-10", "2024-01-01T24:00", "2024-01-01 12:60"}) {
    EXPECT_TRUE(looks_like_iso_date(text)) << text;
    EXPECT_FALSE(days_of_iso_date(text)) << text;
  }
  for (const char* text :
       {"", "2024-1-1", "01-03-2024", "2024/03/01", "2024-03-01x", "2024-03-01T1", "20240301"}) {
    EXPECT_FALSE(looks_like_iso_date(text)) << text;
    EXPECT_FALSE(days_of_iso_date(text)) << text;
  }
}

}  // namespace
}  // namespace vfe
