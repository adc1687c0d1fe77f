#include "data/source_column.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/data/csv.hpp"

namespace vfe {

namespace {

constexpr std::size_t max_levels = 1000;

/// A field as it may stand in a one-line message.
std::string shown(std::string_view text) {
  constexpr std::size_t longest = 40;
  std::string line(text.substr(0, longest));
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' '; }, ' ');
  return fmt::format("\"{}{}\"", line, text.size() > longest ? "..." : "");
}

}  // namespace

SourceColumn::SourceColumn(std::string name, std::size_t position, Role role, bool factor)
    : name_(std::move(name)),
      position_(position),
      role_(role),
      forced_factor_(factor),
      least_(infinity),
      greatest_(-infinity) {
  if (factor) kind_ = Kind::factor;
  if (role == Role::offset || role == Role::weight) kind_ = Kind::numeric;
}

SourceColumn::Status SourceColumn::bad(const std::string& problem) {
  problem_ = problem;
  return Status::bad;
}

SourceColumn::Status SourceColumn::read(std::string_view text, std::int64_t line, double& number) {
  const ParsedField field = parse_field(text);
  if (field.kind == FieldKind::missing) return Status::missing;
  if (forced_factor_) return Status::value;
  if (field.kind == FieldKind::infinite) return bad(shown(text) + " is not finite");
  if (field.kind == FieldKind::decimal_comma)
    return bad(shown(text) + " has a decimal comma, expected a decimal point");
  const bool is_number = field.kind == FieldKind::number;
  if (kind_ == Kind::unknown) kind_ = is_number ? Kind::numeric : Kind::factor;
  if (first_line_ == 0) {
    first_line_ = line;
    first_text_ = shown(text);
  }
  if (kind_ == Kind::factor)
    return is_number ? bad(fmt::format("{} is a number, but line {} has {} (--factor {} takes all as levels)",
                                       shown(text), first_line_, first_text_, name_))
                     : Status::value;
  if (!is_number) {
    if (role_ == Role::offset || role_ == Role::weight)
      return bad(fmt::format("{} is not a number, expected {}", shown(text),
                             role_ == Role::offset ? "an offset" : "a weight"));
    return bad(fmt::format("{} is not a number, but line {} has {} (--factor {} takes all as levels)",
                           shown(text), first_line_, first_text_, name_));
  }
  if (role_ == Role::weight && field.number < 0) return bad(shown(text) + " is a negative weight");
  number = field.number;
  return Status::value;
}

double SourceColumn::code(std::string_view level, const std::string& where) {
  const auto found = codes_.find(level);
  if (found != codes_.end()) return static_cast<double>(found->second);
  if (codes_.size() == max_levels)
    throw Error(Fault::data,
                fmt::format("{}: {} is level {} of a factor, at most {} are taken (--drop {} leaves "
                            "the column out)",
                            where, shown(level), max_levels + 1, max_levels, name_));
  const std::size_t next = codes_.size();
  codes_.emplace(level, next);
  uses_.push_back(0);
  return static_cast<double>(next);
}

void SourceColumn::count(double value, double inverse_count) {
  if (is_factor()) {
    ++uses_[static_cast<std::size_t>(value)];
    return;
  }
  const double deviation = value - mean_;
  mean_ += deviation * inverse_count;
  squares_ += deviation * (value - mean_);
  least_ = std::min(least_, value);
  greatest_ = std::max(greatest_, value);
}

void SourceColumn::see_class(double value) {
  only_classes_ = only_classes_ && value >= 0.0 && value < max_levels && value == std::floor(value);
  greatest_class_ = std::max(greatest_class_, value);
}

Index SourceColumn::classes() const {
  return is_factor() || !only_classes_ ? 0 : static_cast<Index>(greatest_class_) + 1;
}

void SourceColumn::sort_levels() {
  std::vector<std::pair<double, std::size_t>> by_number;  // codes_ itself is in the order of the texts
  for (const auto& [level, code] : codes_) {
    const ParsedField field = parse_field(level);
    if (field.kind == FieldKind::number) by_number.emplace_back(field.number, code);
  }
  std::vector<std::size_t> order;
  if (by_number.size() == codes_.size()) {
    std::stable_sort(by_number.begin(), by_number.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (const auto& [number, code] : by_number) order.push_back(code);
  } else {
    for (const auto& [level, code] : codes_) order.push_back(code);
  }
  rank_.resize(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) rank_[order[i]] = i;
  levels_.resize(order.size());
  for (const auto& [level, code] : codes_) levels_[rank_[code]] = level;
}

void SourceColumn::finish(Index rows, bool standardize, std::vector<std::string>& warnings) {
  if (is_factor()) {
    sort_levels();
    for (const auto& [level, code] : codes_) {
      if (uses_[code] == 0)
        warnings.push_back(
            fmt::format("level {} of column \"{}\" occurs only in rows set aside", shown(level), name_));
      else if (uses_[code] == rows && role_ == Role::predictor)
        warnings.push_back(fmt::format("column \"{}\" has one level only, {}", name_, shown(level)));
    }
    return;
  }
  const bool constant = least_ == greatest_;
  if (constant && role_ != Role::offset && role_ != Role::weight)
    warnings.push_back(fmt::format("column \"{}\" is constant, {} in every row", name_, least_));
  if (!standardize || (role_ != Role::predictor && role_ != Role::response)) return;
  centre_ = constant ? least_ : mean_;
  const double deviation = constant ? 0.0 : std::sqrt(squares_ / static_cast<double>(rows - 1));
  // A spread that underflows or overflows cannot be divided by; the values stay as they are, centred.
  scale_ = std::isnormal(deviation) ? deviation : 1.0;
}

std::vector<Column> SourceColumn::design() const {
  if (!is_factor()) return {{name_, name_, "", "", centre_, scale_}};
  std::vector<Column> columns;
  for (std::size_t i = 1; i < levels_.size(); ++i)
    columns.push_back({fmt::format("{}[{}]", name_, levels_[i]), name_, levels_[i], levels_[0], 0.0, 1.0});
  return columns;
}

void SourceColumn::encode(double value, std::span<double> x) const {
  if (!is_factor()) {
    x[0] = (value - centre_) / scale_;
    return;
  }
  std::fill(x.begin(), x.end(), 0.0);
  const std::size_t rank = rank_[static_cast<std::size_t>(value)];
  if (rank > 0) x[rank - 1] = 1.0;
}

double SourceColumn::plain(double value) const {
  return is_factor() ? static_cast<double>(rank_[static_cast<std::size_t>(value)]) : value;
}

}  // namespace vfe
