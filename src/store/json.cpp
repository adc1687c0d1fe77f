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

Json from_column(const Column& column) {
  return {{"name", column.name},
          {"source", column.source},
          {"level", column.level},
          {"reference", column.reference},
          {"centre", from_real(column.centre)},
          {"scale", from_real(column.scale)}};
}

Column to_column(const Json& json) {
  Column column;
  json.at("name").get_to(column.name);
  json.at("source").get_to(column.source);
  json.at("level").get_to(column.level);
  json.at("reference").get_to(column.reference);
  column.centre = to_real(json.at("centre"));
  column.scale = to_real(json.at("scale"));
  return column;
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

Json from_moments(const MeanAndSd& moments) {
  return {from_real(moments.mean), from_real(moments.sd)};
}

MeanAndSd to_moments(const Json& json) {
  return {to_real(json.at(0)), to_real(json.at(1))};
}

}  // namespace

std::string to_json(const Schema& schema) {
  return with_json("schema", [&] {
    Json columns = Json::array();
    for (const Column& column : schema.columns) columns.push_back(from_column(column));
    Json json{{"rows", schema.num_rows()},
              {"block_rows", schema.blocks.block_rows()},
              {"columns", columns},
              {"response", schema.response},
              {"response_levels", schema.response_levels},
              {"response_classes", schema.response_classes},
              {"response_centre", from_real(schema.response_centre)},
              {"response_scale", from_real(schema.response_scale)},
              {"has_offset", schema.has_offset},
              {"has_weight", schema.has_weight},
              {"has_line", schema.has_line},
              {"single", schema.single},
              {"shuffle_seed", schema.shuffle_seed},
              {"source", schema.source},
              {"content", schema.content}};
    if (!schema.blocks.are_equal()) json["block_offsets"] = schema.blocks.offsets();
    if (!schema.response_numbers.empty()) json["response_numbers"] = schema.response_numbers;
    for (const MeanAndSd& moments : schema.moments) json["moments"].push_back(from_moments(moments));
    if (schema.response_moments) json["response_moments"] = from_moments(*schema.response_moments);
    return json.dump();
  });
}

Schema schema_from_json(const std::string& text) {
  return with_json("schema", [&] {
    const Json json = Json::parse(text);
    Schema schema;
    schema.blocks = json.contains("block_offsets")
                        ? Blocks::of_offsets(json.at("block_offsets").get<std::vector<Index>>())
                        : Blocks::of_equal(json.at("rows").get<Index>(), json.at("block_rows").get<Index>());
    for (const Json& column : json.at("columns")) schema.columns.push_back(to_column(column));
    json.at("response").get_to(schema.response);
    json.at("response_levels").get_to(schema.response_levels);
    json.at("response_classes").get_to(schema.response_classes);
    schema.response_centre = to_real(json.at("response_centre"));
    schema.response_scale = to_real(json.at("response_scale"));
    json.at("has_offset").get_to(schema.has_offset);
    json.at("has_weight").get_to(schema.has_weight);
    json.at("has_line").get_to(schema.has_line);
    json.at("single").get_to(schema.single);
    json.at("shuffle_seed").get_to(schema.shuffle_seed);
    json.at("source").get_to(schema.source);
    json.at("content").get_to(schema.content);
    if (json.contains("response_numbers")) json.at("response_numbers").get_to(schema.response_numbers);
    if (json.contains("moments")) {
      for (const Json& moments : json.at("moments")) schema.moments.push_back(to_moments(moments));
    }
    if (json.contains("response_moments")) schema.response_moments = to_moments(json.at("response_moments"));
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
