#include "vfe/commands/info_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "vfe/commands/diagnosis_text.hpp"
#include "vfe/core/counted.hpp"
#include "vfe/core/printable.hpp"
#include "vfe/core/wrapped.hpp"

namespace vfe {
namespace {

using Json = nlohmann::ordered_json;

std::string line(const std::string& text, std::size_t indent = 2) {
  return wrapped(printable(text), text_columns, indent) + "\n";
}

/// Nothing where there is nothing to say.
std::string fact(const std::string& of, const std::string& text) {
  return text.empty() ? "" : line(fmt::format("{}: {}", of, text));
}

/// Whole numbers in full: they may be years, or seconds.
std::string end_of_range(double value) {
  const bool is_whole = value == std::floor(value) && std::abs(value) < 1e15;
  return is_whole ? fmt::format("{:.0f}", value) : fmt::format("{:.6g}", value);
}

std::string range_of(const ColumnInfo& column) {
  if (column.low > column.high) return "";
  return fmt::format(", {} to {}", end_of_range(column.low), end_of_range(column.high));
}

std::string levels_of(const ColumnInfo& column) {
  constexpr std::size_t most = 50;
  const std::size_t shown = std::min(most, column.levels.size());
  std::string text = fmt::format(
      "{}: {}", counted(std::ssize(column.levels), "level"),
      fmt::join(column.levels.begin(), column.levels.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (shown < column.levels.size()) text += fmt::format(" and {} more", column.levels.size() - shown);
  return text;
}

std::string in_words(const ColumnInfo& column) {
  std::string text = column.name + ": ";
  switch (column.type) {
    case ColumnType::number:
      text += "numbers" + range_of(column);
      break;
    case ColumnType::integer:
      text += "integers" + range_of(column);
      break;
    case ColumnType::matrix:
      text += fmt::format("matrix of {}{}", counted(column.width, "number"), range_of(column));
      break;
    case ColumnType::factor:
      text += levels_of(column);
      break;
  }
  if (column.missing > 0) text += fmt::format("; {} missing", column.missing);
  return text;
}

std::string in_words(const VariableInfo& variable) {
  std::vector<std::string> axes;
  for (const auto& [name, size] : variable.dimensions) axes.push_back(fmt::format("{} {}", name, size));
  return axes.empty() ? variable.name : fmt::format("{} ({})", variable.name, fmt::join(axes, ", "));
}

std::string in_words(const std::vector<VariableInfo>& variables) {
  std::vector<std::string> list;
  for (const VariableInfo& variable : variables) list.push_back(in_words(variable));
  return fmt::format("{}", fmt::join(list, ", "));
}

std::string in_words(const FitInfo& fit) {
  return fmt::format("{}, family {}, {}{}{}", fit.model, fit.family, fit.mode,
                     fit.data.empty() ? "" : ", data " + fit.data,
                     fit.formula.empty() ? "" : ", " + fit.formula);
}

std::string in_words(const std::vector<GroupingInfo>& levels) {
  std::vector<std::string> list;
  for (const GroupingInfo& of : levels)
    list.push_back(fmt::format("{} ({})", of.name, counted(of.groups, "group")));
  return fmt::format("{}", fmt::join(list, ", "));
}

Json to_json(const GroupingInfo& of) {
  return {{"name", of.name}, {"groups", of.groups}};
}

Json to_json(const ColumnInfo& column) {
  Json json{{"name", column.name}, {"type", to_string(column.type)}};
  if (column.type == ColumnType::factor) json["levels"] = column.levels;
  if (column.type == ColumnType::matrix) json["width"] = column.width;
  if (column.low <= column.high) json.update(Json{{"low", column.low}, {"high", column.high}});
  json["missing"] = column.missing;
  return json;
}

Json to_json(const VariableInfo& variable) {
  Json json{{"name", variable.name}, {"dimensions", Json::array()}};
  for (const auto& [name, size] : variable.dimensions)
    json["dimensions"].push_back({{"name", name}, {"size", size}});
  return json;
}

template <class T>
Json list_of(const std::vector<T>& all) {
  Json list = Json::array();
  for (const T& one : all) list.push_back(to_json(one));
  return list;
}

Json to_json(const FitInfo& fit) {
  return {{"model", fit.model},
          {"family", fit.family},
          {"mode", fit.mode},
          {"data", fit.data},
          {"formula", fit.formula}};
}

std::string text_of(const DatasetInfo& found) {
  std::string text = line(fmt::format("{} in {} of up to {}, stored in {} precision",
                                      counted(found.rows, "row"), counted(found.blocks, "block"),
                                      counted(found.block_rows, "row"), found.single ? "single" : "double"));
  text += line(counted(std::ssize(found.columns), "column"));
  for (const ColumnInfo& column : found.columns) text += line("  " + in_words(column), 6);
  text += fact("grouped by", in_words(found.grouped_by));
  if (!found.truth.empty()) {
    text += fact("simulated with known", fmt::format("{}", fmt::join(found.truth, ", ")));
  }
  text += fact("content hash", found.content + (found.checked ? "" : ", the file has none to check it by"));
  text += fact("made by", found.made_by);
  return text + fact("source", found.source);
}

Json json_of(const DatasetInfo& found) {
  Json json{{"rows", found.rows},
            {"blocks", found.blocks},
            {"block_rows", found.block_rows},
            {"single", found.single},
            {"columns", list_of(found.columns)}};
  json["grouped_by"] = list_of(found.grouped_by);
  json["truth"] = found.truth;
  json["content_hash"] = found.content;
  json["content_checked"] = found.checked;
  json["made_by"] = found.made_by;
  json["source"] = found.source;
  json["shuffle_seed"] = found.shuffle_seed;
  return json;
}

std::string text_of(const CheckpointInfo& found) {
  std::string text = line(fmt::format("step {}, {}", found.step,
                                      found.stage.empty() ? "all stages done" : "in stage " + found.stage));
  text += fact("fit", in_words(found.fit));
  text += line(counted(found.lambda, "number") + " of q");
  for (const auto& [name, value] : found.counters) text += fact(name, fmt::format("{:.12g}", value));
  text += fact("hash of the state", found.state_hash) + fact("hash of the model", found.model_hash) +
          fact("hash of the data", found.data_hash);
  return text + fact("made by", found.made_by);
}

Json json_of(const CheckpointInfo& found) {
  return {{"step", found.step},
          {"stage", found.stage},
          {"fit", to_json(found.fit)},
          {"lambda", found.lambda},
          {"counters", found.counters},
          {"state_hash", found.state_hash},
          {"model_hash", found.model_hash},
          {"data_hash", found.data_hash},
          {"made_by", found.made_by}};
}

std::string text_of(const ResultInfo& found) {
  std::string text = line(usability(found.verdict)) + verdict_text(found.verdict);
  if (found.fit) text += fact("fit", in_words(*found.fit));
  text += fact("parameters", in_words(found.parameters));
  for (const GroupInfo& group : found.groups) text += fact("group " + group.name, in_words(group.variables));
  for (const auto& [of, hash] : found.hashes) text += fact("hash of " + of, hash);
  return text + fact("made by", found.made_by) + fact("source of the data", found.source);
}

Json json_of(const ResultInfo& found) {
  Json json{{"verdict", to_string(found.verdict.grade)},
            {"usability", usability(found.verdict)},
            {"reason", found.verdict.reason}};
  if (found.fit) json["fit"] = to_json(*found.fit);
  json["parameters"] = list_of(found.parameters);
  json["groups"] = Json::array();
  for (const GroupInfo& group : found.groups) {
    json["groups"].push_back({{"name", group.name}, {"variables", list_of(group.variables)}});
  }
  json["hashes"] = found.hashes;
  json["made_by"] = found.made_by;
  json["source"] = found.source;
  return json;
}

}  // namespace

std::string to_text(const FileInfo& info) {
  return line(fmt::format("{}: {}", to_string(info.kind), info.file)) +
         std::visit([](const auto& found) { return text_of(found); }, info.what);
}

std::string to_json(const FileInfo& info) {
  Json json{{"kind", to_string(info.kind)}, {"file", printable(info.file)}};
  json.update(std::visit([](const auto& found) { return json_of(found); }, info.what));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) +
         "\n";  // names in the file may be anything
}

}  // namespace vfe
