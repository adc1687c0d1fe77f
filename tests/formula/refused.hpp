#pragma once
#include <gtest/gtest.h>

#include <string>

#include "vfe/core/error.hpp"

namespace vfe {

/// The line of the Error that a function throws, which is of that fault.
template <class Function>
std::string refused(Function function, Fault fault = Fault::config) {
  try {
    function();
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), fault) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "expected an Error";
  return "";
}

}  // namespace vfe
