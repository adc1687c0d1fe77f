#include "vfe/comm/failure.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <exception>
#include <fstream>
#include <new>

namespace vfe {
namespace {

/// What the process holds, and what it may: the request itself leaves no trace.
std::string memory_text() {
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  const double machine = page * static_cast<double>(::sysconf(_SC_PHYS_PAGES));
  rlimit limit{};
  const bool limited = ::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  const double most = limited ? static_cast<double>(limit.rlim_cur) : machine;
  constexpr double gib = 1024.0 * 1024.0 * 1024.0;
  return fmt::format("out of memory: more was asked for than is left, with {:.2f} GiB taken of {:.2f} GiB {}",
                     page * static_cast<double>(pages) / gib, most / gib,
                     limited ? "that the process may have" : "in the machine");
}

}  // namespace

std::optional<Failure> failure_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return Failure{error.fault(), one_line(error.what())};
  } catch (const std::bad_alloc&) {
    return Failure{Fault::bug, memory_text()};
  } catch (const std::exception& error) {
    return Failure{Fault::bug, one_line(error.what())};
  } catch (...) {
    return Failure{Fault::bug, "an exception of unknown type"};
  }
  return std::nullopt;
}

}  // namespace vfe
