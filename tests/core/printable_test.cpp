#include "vfe/core/printable.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST(FaultsC10Printable, WhatSteersATerminalIsEscaped) {
  EXPECT_EQ(printable("a\x1b]0;owned\a"), "a\\u001b]0;owned\\u0007");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\u009b31m");
  EXPECT_EQ(printable("abc\xe2\x80\xae"
                      "def\xe2\x81\xa6"),
            "abc\\u202edef\\u2066");
  EXPECT_EQ(printable("\x7f\r\t"), "\\u007f\\u000d\t");
}

TEST(FaultsC10Printable, WordsOfAnyLanguageStayAsTheyAre) {
  const std::string text =
      "na\xc3\xafve \xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x99\x82\nsecond line \\ \"quoted\"";
  EXPECT_EQ(printable(text), text);
  EXPECT_EQ(printable(printable("\x1b")), printable("\x1b"));
}

TEST(FaultsC10Printable, BytesThatAreNoUtf8AreEscaped) {
  EXPECT_EQ(printable("j\xe4"), "j\\xe4");
  EXPECT_EQ(printable("\xc0\x80"), "\\xc0\\x80");           // longer than need be
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // half of a pair
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(FaultsC10Printable, AnErrorLineIsPrintable) {
  EXPECT_EQ(one_line("level \x1b]0; of\n\tcolour"), "level \\u001b]0; of colour");
}

TEST(FaultsC11Printable, LongNamesAreCutInTheMiddleWithTheirLength) {
  const std::string name = "begin" + std::string(5000000, 'x') + "end";
  const std::string line = one_line("has no column " + name + ", which the model needs");
  EXPECT_LT(line.size(), 600u);
  EXPECT_THAT(line, StartsWith("has no column beginxxx"));
  EXPECT_THAT(line, HasSubstr("(5000009 bytes)"));
  EXPECT_THAT(line, EndsWith("xend, which the model needs"));
  std::string words;
  for (int i = 0; i < 100000; ++i) words += "word ";
  EXPECT_LT(one_line(words).size(), 5000u);
}

TEST(FaultsC11Printable, ATextIsCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\xe4\xb8\xad";
  for (std::size_t most = 20; most < 30; ++most) {
    const std::string cut = shortened(text, most);
    EXPECT_EQ(printable(cut), cut);
  }
  EXPECT_EQ(shortened("short", 5), "short");
}

}  // namespace
}  // namespace vfe
