#pragma once
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/toml/read_config.hpp"

namespace vfe {

inline const std::string minimal = "[data]\nfile = \"d.h5\"\n[model]\ntype = \"logistic\"\nformula = \"y\"\n";

/// The line of the Fault::config that parsing throws.
inline std::string refusal(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    parse_config(text, "fit.toml", overrides);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::config);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "accepted";
}

}  // namespace vfe
