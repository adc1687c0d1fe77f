#include "cli/import_arguments.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

/// Checks a sign of one byte, or one of the words that stand for one.
CLI::Validator one_sign_or(const std::vector<std::string>& words) {
  return {[words](const std::string& text) {
            if ((text.size() == 1 && text[0] > 0) || std::ranges::count(words, text) > 0)
              return std::string();
            return fmt::format("{}, expected one sign or {}", text, fmt::join(words, ", "));
          },
          "SIGN"};
}

/// 0 for none.
char sign_of(const std::string& text) {
  return text.empty() ? char{0} : text == "tab" ? '\t' : text == "blank" ? ' ' : text[0];
}

/// "COLUMN=LEVEL".
void add_reference(const std::string& text, ImportOptions& options) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Error(Fault::usage, fmt::format("--reference {}: expected COLUMN=LEVEL", text));
  }
  options.reference[text.substr(0, equals)] = text.substr(equals + 1);
}

}  // namespace

std::function<std::pair<CsvFormat, FieldFormat>()> add_format_arguments(CLI::App& app) {
  auto fields = std::make_shared<FieldFormat>();
  auto encoding = std::make_shared<std::string>("utf8");
  app.add_option(
         "--na", fields->missing,
         fmt::format("What stands for a missing value, instead of {}", fmt::join(usual_missing(), " ")))
      ->allow_extra_args(false);
  auto delimiter = std::make_shared<std::string>();
  app.add_option("--delimiter", *delimiter, "Between fields: a sign, tab or blank; else what the header has")
      ->check(one_sign_or({"tab", "blank"}));
  app.add_option("--decimal", fields->decimal, "Sign of decimals: . or ,")
      ->check(CLI::IsMember({".", ","}))
      ->capture_default_str();
  auto thousands = std::make_shared<std::string>();
  app.add_option("--thousands", *thousands, "Sign between groups of three digits")
      ->check(one_sign_or({"blank"}));
  app.add_option("--encoding", *encoding, "Encoding of the file: utf8 or latin1")
      ->check(CLI::IsMember({"utf8", "latin1"}))
      ->capture_default_str();
  return [=] {
    CsvFormat format;
    format.encoding = *encoding == "latin1" ? Encoding::latin1 : Encoding::utf8;
    format.delimiter = sign_of(*delimiter);
    FieldFormat found = *fields;
    found.thousands = sign_of(*thousands);
    return std::pair(format, found);
  };
}

std::function<ImportOptions()> add_import_arguments(CLI::App& app) {
  auto options = std::make_shared<ImportOptions>();
  auto missing = std::make_shared<std::string>("error");
  app.add_option("CSV", options->input,
                 "File with a header line, perhaps compressed by gzip; - for standard input")
      ->required();
  app.add_option("-o,--output", options->output, "Dataset to write")->required();
  app.add_option("--drop", options->drop, "Columns to leave out")->allow_extra_args(false);
  app.add_option("--factor", options->factor,
                 "Columns of numbers, or of texts all different, to be taken as factors")
      ->allow_extra_args(false);
  auto references = std::make_shared<std::vector<std::string>>();
  app.add_option("--reference", *references, "COLUMN=LEVEL: the reference of a factor, first of its levels")
      ->allow_extra_args(false);
  app.add_option("--group", options->group,
                 "COLUMN, or OUTER/INNER: keep rows of equal values together and in one block, as effects of "
                 "groups need them; once more for groups further inside")
      ->allow_extra_args(false);
  const auto format = add_format_arguments(app);
  app.add_option("--missing", *missing, "Rows with missing values: error, drop, or keep them as missing")
      ->check(CLI::IsMember({"error", "drop", "keep"}))
      ->capture_default_str();
  app.add_option("--block-rows", options->block_rows, "Rows of a block; 0 chooses")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--float32,!--float64", options->single,
               "Store numbers in single (the default, where it holds them) or double precision");
  app.add_option("--seed", options->seed, "Seed of the order of the rows")
      ->check(CLI::Range(std::uint64_t{0}, max_seed));
  CLI::Option* holdout = app.add_option("--holdout", options->holdout, "Share of the rows to set aside")
                             ->check(CLI::Range(0.0, 1.0));
  CLI::Option* holdout_output =
      app.add_option("--holdout-output", options->holdout_output, "Dataset of the rows set aside");
  holdout->needs(holdout_output);
  holdout_output->needs(holdout);
  app.add_flag("--quiet", options->quiet, "No progress on stderr");
  return [=] {
    ImportOptions found = *options;
    found.missing = *missing == "keep" ? Missing::keep : *missing == "drop" ? Missing::drop : Missing::error;
    std::tie(found.format, found.fields) = format();
    for (const std::string& reference : *references) add_reference(reference, found);
    return found;
  };
}

}  // namespace vfe
