#pragma once
#include "vfe/core/error.hpp"

namespace vfe {

/// What a call throws, or an Error of no fault at all.
template <class Call>
Error error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return {Fault::bug, "nothing was thrown"};
}

}  // namespace vfe
