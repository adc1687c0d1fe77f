#include "data/import_request.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "vfe/core/error.hpp"
#include "vfe/core/nearest.hpp"
#include "vfe/core/printable.hpp"
#include "vfe/core/random.hpp"

namespace vfe {

namespace {

void require_folder(const std::filesystem::path& output) {
  const std::filesystem::path folder = folder_of(output);
  std::error_code unknown;
  if (std::filesystem::is_directory(output, unknown))
    throw Error(Fault::cannot_create,
                fmt::format("creating {}: is a folder, expected a file", output.string()));
  if (!std::filesystem::is_directory(folder, unknown) || ::access(folder.c_str(), W_OK) != 0)
    throw Error(Fault::cannot_create, fmt::format("creating {}: {} is not a folder that can be written to",
                                                  output.string(), folder.string()));
}

bool same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code unknown;  // a path that cannot be followed is reported where it is opened
  const std::filesystem::path first = std::filesystem::weakly_canonical(a, unknown);
  return !first.empty() && first == std::filesystem::weakly_canonical(b, unknown);
}

/// "outer/inner" in parts, unless it is a column as it stands.
std::vector<std::string> parts_of(const std::string& text, const std::vector<std::string>& header) {
  if (std::ranges::find(header, text) != header.end()) return {text};
  std::vector<std::string> parts(1);
  for (const char c : text) c == '/' ? void(parts.emplace_back()) : parts.back().push_back(c);
  return parts;
}

}  // namespace

std::filesystem::path folder_of(const std::filesystem::path& output) {
  return output.has_parent_path() ? output.parent_path() : ".";
}

void validate(const ImportOptions& options) {
  const auto refuse = [](const std::string& what) { throw Error(Fault::usage, what); };
  if (options.seed > max_seed)
    refuse(fmt::format("importing: seed {}, expected at most {}", options.seed, max_seed));
  if (options.block_rows < 0)
    refuse(fmt::format("importing: {} rows per block, expected at least 1", options.block_rows));
  if (!(options.holdout >= 0.0 && options.holdout < 1.0))
    refuse(
        fmt::format("importing: a holdout of {}, expected a share from 0 up to but not 1", options.holdout));
  if ((options.holdout > 0.0) == options.holdout_output.empty())
    refuse("importing: a holdout needs both, its share of the rows and its file");
  if (options.fields.decimal == options.fields.thousands ||
      options.fields.decimal == options.format.delimiter)
    refuse(
        fmt::format("importing: {} is the sign of decimals and of something else", options.fields.decimal));
  if (same_file(options.input, options.output) ||
      (options.holdout > 0.0 && (same_file(options.output, options.holdout_output) ||
                                 same_file(options.input, options.holdout_output))))
    refuse("importing: input, output and holdout must be different files");
  // The dataset, and results of it, name the file.
  if (!is_utf8(options.input.filename().string()))
    throw Error(Fault::data,
                fmt::format("importing {}: the file's name is not UTF-8; rename it", options.input.string()));
  require_folder(options.output);
  if (options.holdout > 0.0) require_folder(options.holdout_output);
}

ChosenColumns choose_columns(const ImportOptions& options, const std::vector<std::string>& header) {
  const auto require = [&](const std::string& name, const char* as) {
    if (std::find(header.begin(), header.end(), name) == header.end())
      throw Error(Fault::usage,
                  fmt::format("{}: no column \"{}\" ({}); the nearest are \"{}\"", options.input.string(),
                              name, as, fmt::join(nearest(name, header), "\", \"")));
  };
  const std::set<std::string> dropped(options.drop.begin(), options.drop.end());
  const std::set<std::string> factors(options.factor.begin(), options.factor.end());
  for (const std::string& name : dropped) require(name, "--drop");
  const auto keep = [&](const std::string& name, const char* as) {
    require(name, as);
    if (dropped.contains(name))
      throw Error(Fault::usage, fmt::format("{}: column \"{}\" is named by --drop and by {}",
                                            options.input.string(), name, as));
  };
  for (const std::string& name : factors) keep(name, "--factor");
  for (const auto& [name, level] : options.reference) keep(name, "--reference");
  ChosenColumns chosen;
  for (const std::string& text : options.group) {
    for (const std::string& name : parts_of(text, header)) {
      keep(name, "--group");
      if (std::ranges::find(chosen.groups, name) != chosen.groups.end())
        throw Error(Fault::usage,
                    fmt::format("{}: column \"{}\" is named by --group twice", options.input.string(), name));
      chosen.groups.push_back(name);
    }
  }
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (dropped.contains(header[i])) continue;
    const auto reference = options.reference.find(header[i]);
    chosen.columns.emplace_back(header[i], i, factors.contains(header[i]),
                                reference == options.reference.end() ? "" : reference->second,
                                std::ranges::find(chosen.groups, header[i]) != chosen.groups.end());
  }
  if (chosen.columns.empty())
    throw Error(Fault::usage,
                fmt::format("{}: --drop leaves no column, expected at least one", options.input.string()));
  return chosen;
}

}  // namespace vfe
