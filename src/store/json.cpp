#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "vfe/core/error.hpp"
#include "vfe/store/dataset.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

using Json = nlohmann::ordered_json;

/// JSON has no numbers for what is not finite: "inf", "-inf", "nan".
Json from_real(double value) {
  if (std::isfinite(value)) return value;
  if (std::isnan(value)) return "nan";
  return value > 0 ? "inf" : "-inf";
}

double to_real(const Json& json) {
  return json.is_string() ? std::stod(json.get<std::string>()) : json.get<double>();
}

/// Runs `work`; what is wrong with the JSON text becomes one line.
template <class Work>
auto with_json(const char* what, Work work) {
  try {
    return work();
  } catch (const Json::exception& error) {
    throw Error(Fault::data, fmt::format("{} as JSON: {}", what, error.what()));
  } catch (const std::invalid_argument& error) {
    throw Error(Fault::data, fmt::format("{} as JSON: a text where a number was expected", what));
  }
}

Json from_reals(ConstVec values) {
  Json list = Json::array();
  for (const double value : values) list.push_back(from_real(value));
  return list;
}

Vector to_reals(const Json& json) {
  Vector values(static_cast<Index>(json.size()));
  for (Index i = 0; i < values.size(); ++i) values[i] = to_real(json.at(static_cast<std::size_t>(i)));
  return values;
}

Json from_column(const Column& column) {
  return {{"name", column.name},
          {"term", column.source},
          {"centre", from_real(column.centre)},
          {"scale", from_real(column.scale)},
          {"absorber", column.absorber}};
}

Column to_column(const Json& json) {
  Column column;
  json.at("name").get_to(column.name);
  json.at("term").get_to(column.source);
  column.centre = to_real(json.at("centre"));
  column.scale = to_real(json.at("scale"));
  json.at("absorber").get_to(column.absorber);
  return column;
}

Json from_term(const DesignTerm& term) {
  return {{"name", term.name},           {"column", term.column},
          {"width", term.width},         {"index", term.index},
          {"num_cells", term.num_cells}, {"first_coefficient", term.first_coefficient}};
}

DesignTerm to_term(const Json& json) {
  DesignTerm term;
  json.at("name").get_to(term.name);
  json.at("column").get_to(term.column);
  json.at("width").get_to(term.width);
  json.at("index").get_to(term.index);
  json.at("num_cells").get_to(term.num_cells);
  json.at("first_coefficient").get_to(term.first_coefficient);
  return term;
}

Json from_key(const GroupKey& key) {
  return {{"name", key.name}, {"num_levels", key.num_levels}, {"levels", key.levels}};
}

GroupKey to_key(const Json& json) {
  GroupKey key;
  json.at("name").get_to(key.name);
  json.at("num_levels").get_to(key.num_levels);
  json.at("levels").get_to(key.levels);
  return key;
}

Json from_effects(const GroupEffects& effects) {
  Json json{{"name", effects.name},
            {"keys", effects.keys},
            {"first_column", effects.first_column},
            {"has_intercept", effects.has_intercept},
            {"correlated", effects.correlated},
            {"centred", effects.centred},
            {"columns", Json::array()}};
  for (const Column& column : effects.columns) json["columns"].push_back(from_column(column));
  return json;
}

GroupEffects to_effects(const Json& json) {
  GroupEffects effects;
  json.at("name").get_to(effects.name);
  json.at("keys").get_to(effects.keys);
  json.at("first_column").get_to(effects.first_column);
  json.at("has_intercept").get_to(effects.has_intercept);
  json.at("correlated").get_to(effects.correlated);
  json.at("centred").get_to(effects.centred);
  for (const Json& column : json.at("columns")) effects.columns.push_back(to_column(column));
  return effects;
}

Json from_parameter(const Parameter& parameter) {
  Json dimensions = Json::array();
  for (const Dimension& dimension : parameter.dimensions) {
    dimensions.push_back({{"name", dimension.name}, {"size", dimension.size}, {"labels", dimension.labels}});
  }
  return {{"name", parameter.name},
          {"dimensions", dimensions},
          {"transform", to_string(parameter.transform)},
          {"lower", from_real(parameter.lower)},
          {"upper", from_real(parameter.upper)}};
}

Parameter to_parameter(const Json& json) {
  Parameter parameter;
  json.at("name").get_to(parameter.name);
  for (const Json& dimension : json.at("dimensions")) {
    parameter.dimensions.push_back({dimension.at("name").get<std::string>(),
                                    dimension.at("size").get<Index>(),
                                    dimension.at("labels").get<std::vector<std::string>>()});
  }
  parameter.transform = transform_from_string(json.at("transform").get<std::string>());
  parameter.lower = to_real(json.at("lower"));
  parameter.upper = to_real(json.at("upper"));
  return parameter;
}

Blocks to_blocks(const Json& json) {
  if (json.contains("block_offsets")) {
    return Blocks::of_offsets(json.at("block_offsets").get<std::vector<Index>>());
  }
  return Blocks::of_equal(json.at("rows").get<Index>(), json.at("block_rows").get<Index>());
}

Json from_table_column(const TableColumn& column) {
  Json json{{"name", column.name}, {"type", to_string(column.type)}};
  if (column.type == ColumnType::factor) json["levels"] = column.levels;
  if (column.type == ColumnType::matrix) json["width"] = column.width;
  return json;
}

TableColumn to_table_column(const Json& json) {
  TableColumn column;
  json.at("name").get_to(column.name);
  const auto word = json.at("type").get<std::string>();
  const std::optional<ColumnType> type = column_type_from_string(word);
  if (!type) throw Error(Fault::data, fmt::format("schema as JSON: \"{}\" is no type of a column", word));
  column.type = *type;
  if (column.type == ColumnType::factor) json.at("levels").get_to(column.levels);
  if (column.type == ColumnType::matrix) json.at("width").get_to(column.width);
  return column;
}

}  // namespace

std::string to_json(const DesignSchema& schema) {
  return with_json("design", [&] {
    Json json{{"formula", schema.formula},
              {"has_intercept", schema.has_intercept},
              {"constant_term", schema.constant_term},
              {"response", schema.response},
              {"response_levels", schema.response_levels},
              {"response_centre", from_real(schema.response_centre)},
              {"response_scale", from_real(schema.response_scale)},
              {"rows", schema.num_rows()},
              {"block_rows", schema.blocks.block_rows()},
              {"terms", Json::array()},
              {"columns", Json::array()},
              {"numbers", Json::array()},
              {"statistics", Json::array()},
              {"ranges", Json::object()}};
    if (!schema.blocks.are_equal()) json["block_offsets"] = schema.blocks.offsets();
    for (const DesignTerm& term : schema.terms) json["terms"].push_back(from_term(term));
    for (const Column& column : schema.columns) json["columns"].push_back(from_column(column));
    for (const CodedNumber& of : schema.numbers)
      json["numbers"].push_back({of.number, from_real(of.centre), from_real(of.scale)});
    for (const Vector& values : schema.statistics) json["statistics"].push_back(from_reals(values));
    for (const auto& [name, range] : schema.ranges)
      json["ranges"][name] = from_reals(Vector{{range.low, range.mean, range.high}});
    for (const GroupKey& key : schema.keys) json["keys"].push_back(from_key(key));
    for (const GroupEffects& effects : schema.effects) json["effects"].push_back(from_effects(effects));
    return json.dump();
  });
}

DesignSchema design_schema_from_json(const std::string& text) {
  return with_json("design", [&] {
    const Json json = Json::parse(text);
    DesignSchema schema;
    json.at("formula").get_to(schema.formula);
    json.at("has_intercept").get_to(schema.has_intercept);
    json.at("constant_term").get_to(schema.constant_term);
    json.at("response").get_to(schema.response);
    json.at("response_levels").get_to(schema.response_levels);
    schema.response_centre = to_real(json.at("response_centre"));
    schema.response_scale = to_real(json.at("response_scale"));
    schema.blocks = to_blocks(json);
    for (const Json& term : json.at("terms")) schema.terms.push_back(to_term(term));
    for (const Json& column : json.at("columns")) schema.columns.push_back(to_column(column));
    for (const Json& of : json.at("numbers"))
      schema.numbers.push_back({of.at(0).get<Index>(), to_real(of.at(1)), to_real(of.at(2))});
    for (const Json& values : json.at("statistics")) schema.statistics.push_back(to_reals(values));
    for (const auto& [name, values] : json.at("ranges").items()) {
      const Vector range = to_reals(values);
      if (range.size() == 3) schema.ranges[name] = {range[0], range[1], range[2]};
    }
    if (!json.contains("effects")) return schema;  // older than they are, or without any
    for (const Json& key : json.at("keys")) schema.keys.push_back(to_key(key));
    for (const Json& effects : json.at("effects")) schema.effects.push_back(to_effects(effects));
    return schema;
  });
}

std::string to_json(const DatasetSchema& schema) {
  return with_json("schema", [&] {
    Json json{{"columns", Json::array()},       {"has_line", schema.has_line},
              {"single", schema.single},        {"shuffle_seed", schema.shuffle_seed},
              {"source", schema.source},        {"content", schema.content},
              {"rows", schema.num_rows()},      {"block_rows", schema.blocks.block_rows()},
              {"grouped_by", schema.grouped_by}};
    for (const TableColumn& column : schema.table.columns)
      json["columns"].push_back(from_table_column(column));
    if (!schema.blocks.are_equal()) json["block_offsets"] = schema.blocks.offsets();
    return json.dump();
  });
}

DatasetSchema dataset_schema_from_json(const std::string& text) {
  return with_json("schema", [&] {
    const Json json = Json::parse(text);
    DatasetSchema schema;
    for (const Json& column : json.at("columns")) schema.table.columns.push_back(to_table_column(column));
    schema.blocks = to_blocks(json);
    json.at("has_line").get_to(schema.has_line);
    json.at("single").get_to(schema.single);
    json.at("shuffle_seed").get_to(schema.shuffle_seed);
    json.at("source").get_to(schema.source);
    json.at("content").get_to(schema.content);
    if (json.contains("grouped_by")) json["grouped_by"].get_to(schema.grouped_by);
    return schema;
  });
}

std::string to_json(const Parameters& parameters) {
  return with_json("parameters", [&] {
    Json list = Json::array();
    for (const Parameter& parameter : parameters.list()) list.push_back(from_parameter(parameter));
    return list.dump();
  });
}

Parameters parameters_from_json(const std::string& text) {
  return with_json("parameters", [&] {
    std::vector<Parameter> list;
    for (const Json& json : Json::parse(text)) list.push_back(to_parameter(json));
    return Parameters(std::move(list));
  });
}

}  // namespace vfe
