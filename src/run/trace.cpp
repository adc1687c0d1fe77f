#include "vfe/run/trace.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"

namespace vfe {
namespace {

using Json = nlohmann::json;

/// Whether a line has what is read of it, and of the right kind.
bool is_record(const Json& line) {
  if (!line.is_object() || !line.contains("step") || !line["step"].is_number_unsigned()) return false;
  const auto is = [&](const char* key, bool (Json::*kind)() const noexcept) {
    return !line.contains(key) || (line[key].*kind)();
  };
  return is("stage", &Json::is_string) && is("note", &Json::is_string) && is("seconds", &Json::is_number) &&
         is("gradients", &Json::is_number_unsigned) && is("calls", &Json::is_number_unsigned);
}

/// Calls `use` on each whole line's record until one is torn, is no record, or `use` returns false; returns
/// the bytes of the lines before.
std::uintmax_t read_lines(const std::filesystem::path& path, const std::function<bool(const Json&)>& use) {
  std::ifstream file(path, std::ios::binary);
  std::uintmax_t good = 0;
  std::string line;
  while (std::getline(file, line) && !file.eof()) {
    const Json record = Json::parse(line, nullptr, false);
    if (!is_record(record) || !use(record)) break;
    good += line.size() + 1;
  }
  return good;
}

}  // namespace

Trace::Trace(const std::filesystem::path& path, std::uint64_t step) : path_(path) {
  if (std::filesystem::is_regular_file(path_)) {
    const std::uintmax_t kept =
        read_lines(path_, [step](const Json& record) { return record["step"].get<std::uint64_t>() <= step; });
    std::error_code error;
    std::filesystem::resize_file(path_, kept, error);
    if (error) throw Error(Fault::io, fmt::format("shortening {}: {}", path_.string(), error.message()));
  }
  errno = 0;
  file_.open(path_, std::ios::binary | std::ios::app);
  if (!file_) {
    throw Error(Fault::cannot_create, fmt::format("opening {}: {}", path_.string(), std::strerror(errno)));
  }
}

void Trace::add(std::uint64_t step, const Record& record, const Cost& so_far, double rows_per_second) {
  nlohmann::ordered_json line;
  line["step"] = step;
  line["stage"] = record.stage;
  line["free_energy"] = record.free_energy;
  line["std_error"] = record.std_error;
  line["gradient_norm"] = record.gradient_norm;
  line["rate"] = record.rate;
  line["draws"] = record.draws;
  line["rows"] = record.rows;
  line["non_finite"] = record.non_finite;
  line["seconds"] = so_far.seconds;
  line["gradients"] = so_far.gradients;
  line["calls"] = so_far.calls;
  line["rows_per_second"] = rows_per_second;
  if (!record.note.empty()) line["note"] = record.note;
  errno = 0;
  file_ << line.dump() << '\n';
  check();
}

void Trace::flush() {
  errno = 0;
  file_.flush();
  check();
}

void Trace::check() const {
  if (!file_) {
    throw Error(Fault::io, fmt::format("writing {}: {}", path_.string(),
                                       errno != 0 ? std::strerror(errno) : "the system gave no reason"));
  }
}

std::map<std::string, Matrix> read_trace(const std::filesystem::path& path) {
  const std::vector<std::string> names = {"step", "free_energy", "std_error", "gradient_norm", "rate"};
  std::vector<std::vector<double>> columns(names.size());
  read_lines(path, [&](const Json& record) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto value = record.find(names[i]);
      const bool known = value != record.end() && value->is_number();
      columns[i].push_back(known ? value->get<double>() : nan);
    }
    return true;
  });
  std::map<std::string, Matrix> trace;
  for (std::size_t i = 0; i < names.size(); ++i) {
    trace[names[i]] = Eigen::Map<const Vector>(columns[i].data(), static_cast<Index>(columns[i].size()));
  }
  return trace;
}

std::vector<StageCost> read_stage_costs(const std::filesystem::path& path) {
  std::vector<StageCost> stages;
  Cost before;
  read_lines(path, [&](const Json& record) {
    const std::string stage = record.value("stage", "");
    if (stages.empty() || stages.back().stage != stage) stages.push_back({.stage = stage});
    const Cost now{record.value("seconds", 0.0), record.value("gradients", std::uint64_t{0}),
                   record.value("calls", std::uint64_t{0})};
    Cost& cost = stages.back().cost;
    cost.seconds += now.seconds - before.seconds;
    cost.gradients += now.gradients - before.gradients;
    cost.calls += now.calls - before.calls;
    before = now;
    if (record.contains("note")) stages.back().note = record["note"].get<std::string>();
    return true;
  });
  return stages;
}

std::string to_json(const std::vector<StageCost>& stages) {
  auto json = nlohmann::ordered_json::array();
  for (const StageCost& stage : stages) {
    json.push_back({{"stage", stage.stage},
                    {"gradients", stage.cost.gradients},
                    {"calls", stage.cost.calls},
                    {"seconds", stage.cost.seconds},
                    {"note", stage.note}});
  }
  return json.dump();
}

std::vector<StageCost> stage_costs_from_json(const std::string& text) {
  try {
    std::vector<StageCost> stages;
    for (const Json& stage : Json::parse(text)) {
      stages.push_back({.stage = stage.at("stage"),
                        .cost = {stage.at("seconds"), stage.at("gradients"), stage.at("calls")},
                        .note = stage.at("note")});
    }
    return stages;
  } catch (const Json::exception& error) {
    throw Error(Fault::data, fmt::format("reading the costs of stages: {}", error.what()));
  }
}

}  // namespace vfe
