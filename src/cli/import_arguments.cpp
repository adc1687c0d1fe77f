#include "cli/import_arguments.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <string>
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

std::function<ImportOptions()> add_import_arguments(CLI::App& app) {
  auto options = std::make_shared<ImportOptions>();
  auto missing = std::make_shared<std::string>("error");
  auto encoding = std::make_shared<std::string>("utf8");
  app.add_option("CSV", options->input,
                 "File with a header line, perhaps compressed by gzip; - for standard input")
      ->required();
  app.add_option("-o,--output", options->output, "Dataset to write")->required();
  app.add_option("--response", options->response, "Column of the response")->required();
  app.add_option("--offset", options->offset, "Column of an offset of the linear predictor");
  app.add_option("--weight", options->weight, "Column of row weights");
  app.add_option("--drop", options->drop, "Columns to leave out")->allow_extra_args(false);
  app.add_option("--factor", options->factor, "Columns of numbers to be taken as factors")
      ->allow_extra_args(false);
  auto references = std::make_shared<std::vector<std::string>>();
  app.add_option("--reference", *references, "COLUMN=LEVEL: the reference of a factor, first of its levels")
      ->allow_extra_args(false);
  app.add_option(
         "--na", options->fields.missing,
         fmt::format("What stands for a missing value, instead of {}", fmt::join(usual_missing(), " ")))
      ->allow_extra_args(false);
  auto delimiter = std::make_shared<std::string>();
  app.add_option("--delimiter", *delimiter, "Between fields: a sign, tab or blank; else what the header has")
      ->check(one_sign_or({"tab", "blank"}));
  app.add_option("--decimal", options->fields.decimal, "Sign of decimals: . or ,")
      ->check(CLI::IsMember({".", ","}))
      ->capture_default_str();
  auto thousands = std::make_shared<std::string>();
  app.add_option("--thousands", *thousands, "Sign between groups of three digits")
      ->check(one_sign_or({"blank"}));
  app.add_option("--encoding", *encoding, "Encoding of the file: utf8 or latin1")
      ->check(CLI::IsMember({"utf8", "latin1"}))
      ->capture_default_str();
  app.add_flag("!--no-standardize", options->standardize,
               "Store the columns as they are; built-in models centre and scale them as they read them");
  app.add_option("--missing", *missing, "Rows with missing values: error or drop")
      ->check(CLI::IsMember({"error", "drop"}))
      ->capture_default_str();
  app.add_option("--block-rows", options->block_rows, "Rows of a block; 0 chooses")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--float32,!--float64", options->single,
               "Store columns in single (the default) or double precision");
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
    found.drop_missing = *missing == "drop";
    found.format.encoding = *encoding == "latin1" ? Encoding::latin1 : Encoding::utf8;
    found.format.delimiter = sign_of(*delimiter);
    found.fields.thousands = sign_of(*thousands);
    for (const std::string& reference : *references) add_reference(reference, found);
    return found;
  };
}

}  // namespace vfe
