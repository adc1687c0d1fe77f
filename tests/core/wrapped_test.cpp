#include "vfe/core/wrapped.hpp"

#include <gtest/gtest.h>

namespace vfe {
namespace {

TEST(Wrapped, BreaksAtTheLastSpaceThatFits) {
  EXPECT_EQ(wrapped("one two three", 7, 0), "one two\nthree");
  EXPECT_EQ(wrapped("one two three", 8, 0), "one two\nthree");
  EXPECT_EQ(wrapped("one two three", 13, 0), "one two three");
  EXPECT_EQ(wrapped("one two three four", 9, 2), "one two\n  three\n  four");
}

TEST(Wrapped, CutsAWordThatIsLongerThanALine) {
  EXPECT_EQ(wrapped("abcdefgh", 3, 1), "abc\n de\n fg\n h");
  EXPECT_EQ(wrapped("a bcdef", 3, 0), "a\nbcd\nef");
}

TEST(Wrapped, CountsCharactersAndKeepsThemWhole) {
  EXPECT_EQ(num_columns("größe"), 5u);
  EXPECT_EQ(wrapped("größe größe", 5, 0), "größe\ngröße");
  EXPECT_EQ(wrapped("ößößö", 2, 0), "öß\nöß\nö");
  EXPECT_EQ(num_columns("\xff\xfe"), 2u);  // no UTF-8: a byte each
}

TEST(Wrapped, ALineWithoutRoomTakesACharacter) {
  EXPECT_EQ(wrapped("ab", 1, 4), "a\n    b");
  EXPECT_EQ(wrapped("", 10, 2), "");
}

}  // namespace
}  // namespace vfe
