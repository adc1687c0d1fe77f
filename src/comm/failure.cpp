#include "vfe/comm/failure.hpp"

#include <exception>
#include <new>

namespace vfe {

std::optional<Failure> failure_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return Failure{error.fault(), one_line(error.what())};
  } catch (const std::bad_alloc&) {
    return Failure{Fault::bug, "out of memory"};
  } catch (const std::exception& error) {
    return Failure{Fault::bug, one_line(error.what())};
  } catch (...) {
    return Failure{Fault::bug, "an exception of unknown type"};
  }
  return std::nullopt;
}

}  // namespace vfe
