#include "cli/arguments.hpp"

#include <gmock/gmock.h>

namespace vfe {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Arguments, AreThoseThatTheTableParses) {
  CLI::App program("", "tool");
  CLI::App* outer = program.add_subcommand("outer", "");
  CLI::App* inner = outer->add_subcommand("inner", "");
  CLI::App* last = program.add_subcommand("last", "");
  EXPECT_THAT(all_commands(program), ElementsAre(outer, inner, last));
  EXPECT_EQ(command_name(*inner), "outer inner");
  EXPECT_EQ(command_name(*last), "last");
  std::string value;
  bool flag = false;
  const CLI::Option* option = last->add_option("-v,--value", value)->check(CLI::IsMember({"a", "b"}));
  EXPECT_THAT(option_names(*option), ElementsAre("-v", "--value"));
  EXPECT_THAT(choices(*option), ElementsAre("a", "b"));
  EXPECT_TRUE(takes_value(*option));
  EXPECT_FALSE(takes_value(*last->add_flag("--flag", flag)));
  EXPECT_THAT(choices(*last->add_option("--free", value)), IsEmpty());
  EXPECT_THAT(choices(*last->add_option("--range", value)->check(CLI::Range(0.0, 1.0))), IsEmpty());
}

}  // namespace
}  // namespace vfe
