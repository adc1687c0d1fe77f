#include "vfe/commands/output_file.hpp"

#include <fmt/format.h>

#include "vfe/core/error.hpp"
#include "vfe/store/atomic_file.hpp"

namespace vfe {
namespace {

namespace fs = std::filesystem;

bool is_same(const fs::path& a, const fs::path& b) {
  std::error_code unknown;  // what is not there is the same as nothing
  return fs::equivalent(a, b, unknown);
}

void refuse_input(const fs::path& output, const fs::path& input) {
  const auto refuse = [&](const fs::path& file) {
    if (!is_same(output, file)) return;
    throw Error(Fault::usage,
                fmt::format("writing {}: it is an input of this command, {}; expected another file",
                            output.string(), file.string()));
  };
  refuse(input);
  std::error_code unknown;
  if (!fs::is_directory(input, unknown)) return;
  for (const fs::directory_entry& entry : fs::directory_iterator(input, unknown)) refuse(entry.path());
}

}  // namespace

void check_output(const fs::path& output, bool overwrite, const std::vector<fs::path>& inputs) {
  for (const fs::path& input : inputs) refuse_input(output, input);
  const auto refuse = [&](const std::string& what) {
    throw Error(Fault::cannot_create, fmt::format("creating {}: {}", output.string(), what));
  };
  const fs::path target = followed(output);
  std::error_code unknown;
  const fs::file_status status = fs::status(target, unknown);
  if (!fs::exists(status)) return;
  if (fs::is_directory(status)) refuse("is a folder, expected a file");
  if (!fs::is_regular_file(status)) refuse("is no regular file but a device, pipe or socket");
  constexpr fs::perms anyone = fs::perms::owner_write | fs::perms::group_write | fs::perms::others_write;
  if ((status.permissions() & anyone) == fs::perms::none) refuse("is there, and read-only");
  if (!overwrite) refuse("is there already; --overwrite replaces it");
}

}  // namespace vfe
