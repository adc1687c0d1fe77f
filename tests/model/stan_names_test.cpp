#include "model/stan_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

TEST(StanNames, OfNothingAreNothing) {
  EXPECT_TRUE(stan_quantities("", "lib").list.empty());
  EXPECT_EQ(stan_coordinates("").size(), 0);
}

TEST(StanNames, MayEndInDigits) {
  const StanQuantities quantities = stan_quantities("x1,x2.1,x2.2", "lib");
  ASSERT_EQ(quantities.list.size(), 2u);
  EXPECT_TRUE(quantities.list[0].dimensions.empty());
  EXPECT_EQ(quantities.list[1].dimensions.size(), 1u);
}

TEST(StanNames, AreRefusedWhereTheyFillNoArray) {
  for (const char* names :
       {"a.1,a.3", "a.1,a.1", "a.0,a.1", "a.1,a.1.2", "a,a", "a.1.1,a.2.2", "a.4000000000.4000000000"}) {
    try {
      stan_quantities(names, "model.so");
      ADD_FAILURE() << names;
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::data);
      EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("model.so"), testing::HasSubstr("\"a\"")));
    }
  }
}

TEST(StanNames, OfCoordinatesNeedNotStandTogether) {
  const Parameters coordinates = stan_coordinates("t.1:1,t.1:2.1,t.1:2.2,t.2:1,t.2:2.1,t.2:2.2,s");
  ASSERT_EQ(coordinates.size(), 7);
  const std::vector<std::string> expected = {"t:1[1]",  "t:2[1,1]", "t:2[1,2]", "t.2:1",
                                             "t.2:2.1", "t.2:2.2",  "s"};
  for (Index i = 0; i < 7; ++i) {
    EXPECT_EQ(coordinates.unconstrained_name(i), expected[static_cast<std::size_t>(i)]);
  }
}

}  // namespace
}  // namespace vfe
