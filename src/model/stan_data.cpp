#include "vfe/model/stan_data.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <utility>

#include "model/json_depth.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

using Json = nlohmann::ordered_json;

/// Appends the JSON of a variable's row.
using AppendRow = std::function<void(Index row, std::string& text)>;

Json parse(const std::string& text, const std::string& name) {
  if (text.empty()) return Json::object();
  check_json_depth(text, name);
  Json json;
  try {
    json = Json::parse(text);
  } catch (const Json::exception& error) {
    std::string found = error.what();
    found.erase(0, found.starts_with("[json.") ? found.find("] ") + 2 : 0);
    throw Error(Fault::data, fmt::format("{}: {}", name, found));
  }
  if (!json.is_object()) {
    throw Error(Fault::data, fmt::format("{}: found {}, expected an object of variables by name", name,
                                         json.is_array() ? "an array" : "a single value"));
  }
  return json;
}

void check(const StanShard& shard) {
  if (shard.size.empty()) throw Error(Fault::config, "shard.size: names no variable");
  if (shard.rows.empty()) throw Error(Fault::config, "shard.rows: names no variable");
  std::set<std::string> names = {shard.size};
  for (const std::string& name : shard.rows) {
    if (!names.insert(name).second) {
      throw Error(Fault::config, fmt::format("shard.rows: names \"{}\" a second time", name));
    }
  }
}

/// The number that the variable which counts rows has, where it is there.
std::optional<Index> stated_size(const Json& json, const std::string& name, const StanShard& shard) {
  const auto found = json.find(shard.size);
  if (found == json.end()) return std::nullopt;
  if (!found->is_number_integer() || found->get<Index>() < 0) {
    throw Error(Fault::data,
                fmt::format("{}: \"{}\", which counts the rows: found {}, expected a whole number", name,
                            shard.size, found->dump().substr(0, 40)));
  }
  return found->get<Index>();
}

/// The members of the object that are no rows, as text: "K":3,"sigma":0.5,
std::string text_of_others(const Json& json, const StanShard& shard) {
  std::string text;
  for (const auto& [key, value] : json.items()) {
    if (key == shard.size || std::find(shard.rows.begin(), shard.rows.end(), key) != shard.rows.end())
      continue;
    text += fmt::format("{}:{},", Json(key).dump(), value.dump());
  }
  return text;
}

/// The rows of one variable as the JSON text of each, one after the other: less than half of what the parsed
/// values take.
AppendRow text_rows(const Json& array, const std::vector<Index>& order) {
  struct Texts {
    std::string text;
    std::vector<std::size_t> ends;
  };
  auto texts = std::make_shared<Texts>();
  for (const Index row : order) {
    texts->text += array[static_cast<std::size_t>(row)].dump();
    texts->ends.push_back(texts->text.size());
  }
  return [texts](Index row, std::string& text) {
    const std::size_t r = static_cast<std::size_t>(row);
    const std::size_t begin = r == 0 ? 0 : texts->ends[r - 1];
    text.append(texts->text, begin, texts->ends[r] - begin);
  };
}

void append(double value, std::string& text) {
  if (std::isnan(value)) {
    text += "\"NaN\"";
  } else if (std::isinf(value)) {
    text += value > 0 ? "\"Inf\"" : "\"-Inf\"";
  } else if (value == std::nearbyint(value) && std::abs(value) < 0x1p53) {
    fmt::format_to(std::back_inserter(text), "{}", static_cast<std::int64_t>(value));
  } else {
    fmt::format_to(std::back_inserter(text), "{}", value);
  }
}

/// The rows of a dataset's shard on the user's scale.
class Table {
 public:
  Table(const Schema& schema, Rows rows) : columns_(schema.columns), rows_(std::move(rows)) {}

  double at(Index row, Index column) const {
    const Column& c = columns_[static_cast<std::size_t>(column)];
    const auto [stored, rounding] = std::visit(
        [&](const auto& x) {
          using Scalar = typename std::decay_t<decltype(x)>::Scalar;
          return std::pair<double, double>(x(row, column), std::numeric_limits<Scalar>::epsilon());
        },
        rows_.x);
    const double value = stored * c.scale + c.centre;
    // A count that was standardised comes back with the rounding of what was stored. Each value is judged by
    // itself, so that no value depends on who holds which rows.
    const double error = rounding * std::abs(stored * c.scale) + 1e-15 * std::abs(c.centre);
    const double whole = std::nearbyint(value);
    return error < 1e-3 && std::abs(value - whole) <= error ? whole : value;
  }

  const Rows& rows() const { return rows_; }

 private:
  std::vector<Column> columns_;
  Rows rows_;
};

/// What a name of shard.rows stands for.
AppendRow table_rows(const std::shared_ptr<const Table>& table, const Schema& schema,
                     const std::string& name) {
  for (Index column = 0; column < schema.num_columns(); ++column) {
    if (schema.columns[static_cast<std::size_t>(column)].name == name) {
      return [table, column](Index row, std::string& text) { append(table->at(row, column), text); };
    }
  }
  if (name == "x") {
    return [table, columns = schema.num_columns()](Index row, std::string& text) {
      text += '[';
      for (Index column = 0; column < columns; ++column) {
        if (column > 0) text += ',';
        append(table->at(row, column), text);
      }
      text += ']';
    };
  }
  if (name == "y" || name == schema.response) {
    return [table](Index row, std::string& text) { append(table->rows().y[row], text); };
  }
  if (name == "offset" && schema.has_offset) {
    return [table](Index row, std::string& text) { append(table->rows().offset[row], text); };
  }
  if (name == "weight" && schema.has_weight) {
    return [table](Index row, std::string& text) { append(table->rows().weight[row], text); };
  }
  constexpr std::size_t most = 20;
  std::vector<std::string> known;
  for (const Column& column : schema.columns) {
    if (known.size() < most) known.push_back(column.name);
  }
  if (schema.columns.size() > most) known.push_back(fmt::format("... ({} columns)", schema.columns.size()));
  known.insert(known.end(), {"x (all columns)", "y"});
  if (!schema.response.empty()) known.push_back(schema.response);
  if (schema.has_offset) known.push_back("offset");
  if (schema.has_weight) known.push_back("weight");
  throw Error(Fault::config,
              fmt::format("shard.rows: the dataset has no \"{}\"; it has {}", name, fmt::join(known, ", ")));
}

}  // namespace

struct StanData::Impl {
  std::string name;
  StanShard shard;
  Index rows = 0;
  std::string others;
  std::vector<AppendRow> variables;  // as shard.rows
};

StanData::StanData(const std::string& json, const std::string& name, const StanShard& shard) {
  check(shard);
  const Json object = parse(json, name);
  auto impl = std::make_shared<Impl>();
  impl->name = name;
  impl->shard = shard;
  const std::optional<Index> stated = stated_size(object, name, shard);
  std::string who_says = shard.size;
  std::optional<Index> size = stated;
  for (const std::string& variable : shard.rows) {
    const auto found = object.find(variable);
    if (found == object.end()) {
      throw Error(Fault::data, fmt::format("{}: lacks the variable \"{}\" of shard.rows", name, variable));
    }
    if (!found->is_array()) {
      throw Error(Fault::data,
                  fmt::format("{}: \"{}\": found {}, expected an array with a row for each of \"{}\"", name,
                              variable, found->dump().substr(0, 40), shard.size));
    }
    const Index rows = static_cast<Index>(found->size());
    if (!size) {
      size = rows;
      who_says = variable;
    }
    if (rows != *size) {
      throw Error(Fault::data, fmt::format("{}: \"{}\" has {} rows, but \"{}\" {} {}", name, variable, rows,
                                           who_says, stated ? "is" : "has", *size));
    }
  }
  impl->rows = *size;
  impl->others = text_of_others(object, shard);
  const std::vector<Index> order = permutation({.purpose = Purpose::shard_rows}, impl->rows);
  for (const std::string& variable : shard.rows) {
    impl->variables.push_back(text_rows(object.at(variable), order));
  }
  impl_ = std::move(impl);
}

StanData::StanData(const std::string& json, const std::string& name, const StanShard& shard,
                   const RowSource& rows) {
  check(shard);
  const Schema& schema = rows.schema();
  const Json object = parse(json, name);
  const std::optional<Index> stated = stated_size(object, name, shard);
  if (stated && *stated != schema.num_rows()) {
    throw Error(Fault::data, fmt::format("{}: \"{}\" is {}, but the dataset has {} rows", name, shard.size,
                                         *stated, schema.num_rows()));
  }
  auto impl = std::make_shared<Impl>();
  impl->name = name.empty() ? "the dataset" : name;
  impl->shard = shard;
  impl->rows = rows.blocks().num_rows();
  impl->others = text_of_others(object, shard);
  const auto table = std::make_shared<const Table>(schema, rows.read({0, rows.blocks().num_blocks()}));
  for (const std::string& variable : shard.rows) {
    if (object.contains(variable)) {
      throw Error(Fault::data,
                  fmt::format("{}: has \"{}\", which shard.rows takes from the dataset", name, variable));
    }
    impl->variables.push_back(table_rows(table, schema, variable));
  }
  impl_ = std::move(impl);
}

StanData::~StanData() = default;
StanData::StanData(const StanData&) = default;
StanData::StanData(StanData&&) noexcept = default;

Index StanData::rows() const {
  return impl_->rows;
}

const std::string& StanData::name() const {
  return impl_->name;
}

const StanShard& StanData::shard() const {
  return impl_->shard;
}

std::string StanData::part(Index first, Index last) const {
  std::vector<Index> rows(static_cast<std::size_t>(last - first));
  std::iota(rows.begin(), rows.end(), first);
  return part(rows, {});
}

std::string StanData::part(const std::vector<Index>& rows,
                           const std::map<std::string, std::vector<Index>>& others) const {
  std::string text = fmt::format("{{{}{}:{}", impl_->others, Json(impl_->shard.size).dump(), rows.size());
  for (std::size_t v = 0; v < impl_->variables.size(); ++v) {
    const std::string& variable = impl_->shard.rows[v];
    const auto other = others.find(variable);
    text += fmt::format(",{}:[", Json(variable).dump());
    for (const Index row : other == others.end() ? rows : other->second) {
      if (text.back() != '[') text += ',';
      impl_->variables[v](row, text);
    }
    text += ']';
  }
  return text += '}';
}

}  // namespace vfe
