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

/// A list of `size` entries as JSON.
template <class Append>
void append_list(Index size, std::string& text, Append append_one) {
  text += '[';
  for (Index j = 0; j < size; ++j) {
    if (j > 0) text += ',';
    append_one(j);
  }
  text += ']';
}

/// Rows of a table, whole in the columns that are looked at.
class Table {
 public:
  Table(const TableSchema& schema, TableRows rows)
      : schema_(schema), slots_(schema.slots()), rows_(std::move(rows)) {}

  /// Throws RowError where the column lacks a value.
  void require(Index column) const {
    for (Index row = 0; row < rows_.num_rows; ++row) {
      if (!is_missing(row, column)) continue;
      throw RowError(rows_.first_row + row,
                     fmt::format("column \"{}\": a missing value, expected one, as Stan knows none",
                                 schema_[column].name));
    }
  }

  void append_cell(Index row, Index column, std::string& text) const {
    const Index slot = slot_of(column);
    switch (schema_[column].type) {
      case ColumnType::number:
        std::visit([&](const auto& x) { append_number(x(row, slot), text); }, rows_.numbers);
        break;
      case ColumnType::factor:
        fmt::format_to(std::back_inserter(text), "{}", rows_.codes(row, slot) + 1);
        break;
      case ColumnType::integer:
        fmt::format_to(std::back_inserter(text), "{}", rows_.integers(row, slot));
        break;
      case ColumnType::matrix:
        std::visit(
            [&](const auto& x) {
              append_list(x.cols(), text, [&](Index j) { append_number(x(row, j), text); });
            },
            rows_.matrices[static_cast<std::size_t>(slot)]);
        break;
    }
  }

 private:
  Index slot_of(Index column) const { return slots_[static_cast<std::size_t>(column)]; }

  bool is_missing(Index row, Index column) const {
    const Index slot = slot_of(column);
    switch (schema_[column].type) {
      case ColumnType::number:
        return std::visit([&](const auto& x) { return std::isnan(x(row, slot)); }, rows_.numbers);
      case ColumnType::factor:
        return rows_.codes(row, slot) < 0;
      case ColumnType::integer:
        return rows_.integers(row, slot) == TableRows::missing_integer;
      case ColumnType::matrix:
        return std::visit([&](const auto& x) { return x.row(row).hasNaN(); },
                          rows_.matrices[static_cast<std::size_t>(slot)]);
    }
    return false;
  }

  /// A float as the shortest number that it is nearest to: 0.1, and not 0.10000000149.
  template <class Scalar>
  static void append_number(Scalar value, std::string& text) {
    if (value == std::nearbyint(value)) {
      append(static_cast<double>(value), text);
    } else {
      fmt::format_to(std::back_inserter(text), "{}", value);
    }
  }

  TableSchema schema_;
  std::vector<Index> slots_;
  TableRows rows_;
};

/// What a name of shard.rows stands for.
AppendRow table_rows(const std::shared_ptr<const Table>& table, const TableSchema& schema,
                     const std::string& name, const StanShard& shard) {
  if (const Index column = schema.find(name); column >= 0) {
    table->require(column);
    return [table, column](Index row, std::string& text) { table->append_cell(row, column, text); };
  }
  std::vector<Index> others;  // of numbers
  for (Index column = 0; column < schema.size(); ++column) {
    const ColumnType type = schema[column].type;
    const bool is_named = std::ranges::count(shard.rows, schema[column].name) > 0;
    if ((type == ColumnType::number || type == ColumnType::integer) && !is_named) others.push_back(column);
  }
  if (name == "x") {
    for (const Index column : others) table->require(column);
    return [table, others](Index row, std::string& text) {
      append_list(std::ssize(others), text,
                  [&](Index j) { table->append_cell(row, others[static_cast<std::size_t>(j)], text); });
    };
  }
  constexpr std::size_t most = 20;
  std::vector<std::string> known;
  for (const TableColumn& column : schema.columns) {
    if (known.size() < most) known.push_back(column.name);
  }
  if (schema.columns.size() > most) known.push_back(fmt::format("... ({} columns)", schema.size()));
  throw Error(Fault::config, fmt::format("shard.rows: the dataset has no \"{}\"; it has {}, and x (the other "
                                         "columns of numbers)",
                                         name, fmt::join(known, ", ")));
}

/// The JSON that goes with a dataset, which has the rows and their variables.
Json parse_beside_rows(const std::string& text, const std::string& name, const StanShard& shard,
                       Index num_rows) {
  Json object = parse(text, name);
  const std::optional<Index> stated = stated_size(object, name, shard);
  if (stated && *stated != num_rows) {
    throw Error(Fault::data, fmt::format("{}: \"{}\" is {}, but the dataset has {} rows", name, shard.size,
                                         *stated, num_rows));
  }
  for (const std::string& variable : shard.rows) {
    if (!object.contains(variable)) continue;
    throw Error(Fault::data,
                fmt::format("{}: has \"{}\", which shard.rows takes from the dataset", name, variable));
  }
  return object;
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
                   const TableSource& rows) {
  check(shard);
  const DatasetSchema& schema = rows.schema();
  const Json object = parse_beside_rows(json, name, shard, schema.num_rows());
  auto impl = std::make_shared<Impl>();
  impl->name = name.empty() ? "the dataset" : name;
  impl->shard = shard;
  impl->rows = rows.blocks().num_rows();
  impl->others = text_of_others(object, shard);
  const auto table = std::make_shared<const Table>(schema.table, rows.read({0, rows.blocks().num_blocks()}));
  for (const std::string& variable : shard.rows) {
    impl->variables.push_back(table_rows(table, schema.table, variable, shard));
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
