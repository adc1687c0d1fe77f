#include "cli/start.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "vfe/core/error.hpp"

namespace vfe {

void expect_same_command(const Communicator& comm, const std::vector<std::string>& arguments) {
  const std::string version = VFE_VERSION;
  const std::string of_root = comm.broadcast(fmt::format("{}\n{}", version, fmt::join(arguments, "\n")));
  comm.collectively("comparing the ranks", [&] {
    std::vector<std::string> expected;
    for (std::size_t begin = 0; begin <= of_root.size();) {
      const std::size_t end = std::min(of_root.find('\n', begin), of_root.size());
      expected.push_back(of_root.substr(begin, end - begin));
      begin = end + 1;
    }
    if (version != expected.front()) {
      throw Error(Fault::config,
                  fmt::format("this is vfe {}, rank 0 runs {}: expected the same program on every "
                              "rank",
                              version, expected.front()));
    }
    expected.erase(expected.begin());
    const auto [own, other] = std::ranges::mismatch(arguments, expected);
    if (own == arguments.end() && other == expected.end()) return;
    const auto shown = [](auto at, const std::vector<std::string>& all) {
      return at == all.end() ? std::string("nothing more") : "\"" + *at + "\"";
    };
    throw Error(Fault::config,
                fmt::format("the command line has {}, that of rank 0 {}: expected the same on every rank",
                            shown(own, arguments), shown(other, expected)));
  });
}

void reserve_standard_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
    if (::fcntl(stream, F_GETFD) == -1 && errno == EBADF)
      ::open("/dev/null", O_RDWR);  // the lowest that is free
  }
}

}  // namespace vfe
