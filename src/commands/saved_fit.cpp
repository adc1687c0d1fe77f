#include "vfe/commands/saved_fit.hpp"

#include <fmt/format.h>

#include "vfe/core/error.hpp"
#include "vfe/run/result_attributes.hpp"
#include "vfe/store/dataset.hpp"
#include "vfe/toml/read_config.hpp"

namespace vfe {

std::filesystem::path result_of_run(const std::filesystem::path& run) {
  if (!std::filesystem::is_directory(run)) return run;
  const std::filesystem::path path = run / "result.h5";
  if (std::filesystem::exists(path)) return path;
  throw Error(Fault::missing, fmt::format("{}: no result.h5 in it, expected a run that has finished (vfe fit "
                                          "--resume continues one)",
                                          run.string()));
}

SavedFit read_saved_fit(const std::filesystem::path& run, WithDraws draws) {
  const std::filesystem::path path = result_of_run(run);
  SavedFit fit;
  fit.file = draws == WithDraws::yes ? read_result(path) : read_result_summary(path);
  try {
    fit.config = parse_config(text_of(fit.file, "config"), "/vfe/config");
    if (fit.file.texts.contains("table")) fit.table = dataset_schema_from_json(text_of(fit.file, "table"));
    if (fit.file.texts.contains("design")) fit.design = design_schema_from_json(text_of(fit.file, "design"));
    fit.parameters = parameters_from_json(text_of(fit.file, "parameters"));
    fit.verdict = verdict_of(fit.file.attributes);
    FamilyOptions family = fit.config.family;
    family.type = word_of(fit.file.attributes, "family");
    family.rank = static_cast<Index>(count_of(fit.file.attributes, "rank"));
    fit.family = make_family(family, fit.parameters.size());
    const auto lambda = fit.file.arrays.find("lambda");
    if (lambda == fit.file.arrays.end() || lambda->second.size() != fit.family->num_lambda()) {
      throw Error(Fault::data,
                  fmt::format("/vfe/lambda: expected {} numbers of a {} q of {} parameters",
                              fit.family->num_lambda(), fit.family->name(), fit.parameters.size()));
    }
    fit.lambda = Eigen::Map<const Vector>(lambda->second.data(), lambda->second.size());
  } catch (const Error& error) {
    throw Error(Fault::data, fmt::format("{}: {}", path.string(), error.what()));
  }
  return fit;
}

}  // namespace vfe
