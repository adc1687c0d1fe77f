#pragma once
#include <gmock/gmock.h>

#include <string>

#include "cli/program.hpp"

namespace vfe {

/// One line that begins "vfe: " and holds `text`, whatever the number of ranks.
inline void expect_refusal(const std::filesystem::path& folder, const std::string& arguments, int code,
                           const std::string& text, int ranks = 0) {
  const Finished found = vfe_run(folder, arguments, ranks);
  EXPECT_EQ(found.code, code) << arguments << "\n" << found.err;
  EXPECT_THAT(found.messages(), testing::ElementsAre(testing::HasSubstr(text))) << found.err;
}

}  // namespace vfe
