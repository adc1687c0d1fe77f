#include "data/source_column.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "data/iso_date.hpp"
#include "data/likeness.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/nearest.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/printable.hpp"
#include "vfe/data/csv.hpp"

namespace vfe {

namespace {

constexpr std::size_t max_levels = 1000;

/// A field as it may stand in a one-line message.
std::string shown(std::string_view text) {
  constexpr std::size_t longest = 60;
  return fmt::format("\"{}\"", one_line(shortened(text, longest)));
}

}  // namespace

SourceColumn::SourceColumn(std::string name, std::size_t position, Role role, bool factor,
                           std::string reference)
    : name_(std::move(name)),
      position_(position),
      role_(role),
      forced_factor_(factor),
      reference_(std::move(reference)),
      least_(infinity),
      greatest_(-infinity) {
  if (factor) kind_ = Kind::factor;
  if (role == Role::offset || role == Role::weight) kind_ = Kind::numeric;
}

SourceColumn::Status SourceColumn::bad(const std::string& problem) {
  problem_ = problem;
  return Status::bad;
}

SourceColumn::Status SourceColumn::read(std::string_view text, std::int64_t line, const FieldFormat& format,
                                        double& number) {
  const ParsedField field = parse_field(text, format);
  if (field.kind == FieldKind::missing) return Status::missing;
  if (field.kind == FieldKind::text && !is_utf8(text))
    return bad(shown(text) + " is not UTF-8 (--encoding latin1 reads what older programs write)");
  if (forced_factor_) return Status::value;
  if (field.kind == FieldKind::infinite) return bad(shown(text) + " is not finite");
  if (field.kind == FieldKind::decimal_comma)
    return bad(shown(text) + " has a decimal comma, expected a decimal point (--decimal , reads it)");
  if (field.kind == FieldKind::grouped)
    return bad(
        shown(text) +
        " has a comma: between thousands (--thousands , reads it), or for the decimals (--decimal ,)?");
  const bool is_number = field.kind == FieldKind::number;
  const auto mixed = [&](const char* what) {
    return bad(
        fmt::format("{} is {}, but line {} has {} (--factor {} takes all as levels{})", shown(text), what,
                    first_line_, first_text_, name_,
                    is_number ? "" : fmt::format(", --na \"{}\" as missing", one_line(shortened(text, 20)))));
  };
  if (kind_ == Kind::unknown)
    kind_ = is_number ? Kind::numeric : looks_like_iso_date(text) ? Kind::date : Kind::factor;
  if (first_line_ == 0) {
    first_line_ = line;
    first_text_ = shown(text);
  }
  if (kind_ == Kind::factor) return is_number ? mixed("a number") : Status::value;
  if (kind_ == Kind::date) {
    const std::optional<double> days = days_of_iso_date(text);
    if (!days) return mixed(looks_like_iso_date(text) ? "no day or time that there is" : "no date");
    number = *days;
    return Status::value;
  }
  if (!is_number) {
    if (role_ == Role::offset || role_ == Role::weight)
      return bad(fmt::format("{} is not a number, expected {}", shown(text),
                             role_ == Role::offset ? "an offset" : "a weight"));
    return mixed("not a number");
  }
  if (role_ == Role::weight && field.number < 0) return bad(shown(text) + " is a negative weight");
  number = field.number;
  return Status::value;
}

double SourceColumn::code(std::string_view level, const std::string& where) {
  const auto found = codes_.find(level);
  if (found != codes_.end()) return static_cast<double>(found->second);
  if (codes_.size() == max_levels)
    throw Error(
        Fault::data,
        fmt::format("{}: {} is level {} of a factor, at most {} are taken{}{}", where, shown(level),
                    max_levels + 1, max_levels,
                    likeness(level).empty() ? "" : fmt::format("; {}?", likeness(level)),
                    role_ == Role::response ? "" : fmt::format(" (--drop {} leaves the column out)", name_)));
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
  constexpr double largest_whole = 9007199254740992.0;  // beyond it, neighbours are no longer told apart
  if (is_factor() || !only_classes_) return;
  only_classes_ = std::abs(value) <= largest_whole && value == std::floor(value);
  if (only_classes_) numbers_.insert(value + 0.0);  // -0 is 0
  only_classes_ = only_classes_ && numbers_.size() <= max_levels;
}

std::vector<double> SourceColumn::numbers() const {
  if (!only_classes_) return {};
  return {numbers_.begin(), numbers_.end()};
}

Index SourceColumn::classes() const {
  const std::vector<double> found = numbers();
  const bool without_gap =
      !found.empty() && found.front() == 0.0 && found.back() == static_cast<double>(found.size() - 1);
  return without_gap ? std::ssize(found) : 0;
}

double SourceColumn::single_rounding() const {
  constexpr double half_unit = 0x1p-24;  // of the last place, relative
  if (is_factor() || least_ == greatest_) return 0.0;
  const double largest = std::max(std::abs(least_ - centre_), std::abs(greatest_ - centre_));
  if (largest > std::numeric_limits<float>::max()) return 0.0;  // no question of rounding
  return half_unit * largest / moments_.sd;
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
  if (!reference_.empty()) {
    const auto reference = codes_.find(reference_);
    if (reference == codes_.end()) {
      std::vector<std::string> all;
      for (const auto& [level, code] : codes_) all.push_back(level);
      throw Error(Fault::usage, fmt::format("--reference {}={}: no such level; the nearest are \"{}\"", name_,
                                            reference_, fmt::join(nearest(reference_, all), "\", \"")));
    }
    std::rotate(order.begin(), std::ranges::find(order, reference->second),
                std::next(std::ranges::find(order, reference->second)));
  }
  rank_.resize(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) rank_[order[i]] = i;
  levels_.resize(order.size());
  for (const auto& [level, code] : codes_) levels_[rank_[code]] = level;
}

void SourceColumn::require_several_levels(Index rows) const {
  for (const auto& [level, code] : codes_) {
    // Rows set aside do not count: nothing can be learnt of a level that only they have.
    if (role_ == Role::response && uses_[code] == rows)
      throw Error(Fault::data,
                  fmt::format("response \"{}\" is {} in every row, expected at least two different values",
                              name_, shown(level)));
  }
}

std::string SourceColumn::likeness_note(Index rows) const {
  constexpr std::size_t few = 10;
  if (is_date())
    return fmt::format(
        "column \"{}\" is of dates, taken as days since 1970-01-01 (--factor {} takes them as "
        "levels)",
        name_, name_);
  if (!is_factor() || forced_factor_) return "";
  const std::string_view like = common_likeness(levels_);
  const bool nearly_as_many = levels_.size() >= few && 10 * std::ssize(levels_) >= 9 * rows;
  if (like.empty() && !nearly_as_many) return "";
  return fmt::format("{} \"{}\" is text, such as {}; {} levels in {} rows: {}?",
                     role_ == Role::response ? "response" : "column", name_, shown(levels_.front()),
                     levels_.size(), rows, like.empty() ? "an identifier or free text" : like);
}

void SourceColumn::finish(Index rows, bool standardize, std::vector<std::string>& warnings) {
  if (is_factor()) {
    sort_levels();
    require_several_levels(rows);
    for (const auto& [level, code] : codes_) {
      if (uses_[code] == 0)
        warnings.push_back(
            fmt::format("level {} of column \"{}\" occurs only in rows set aside", shown(level), name_));
      else if (uses_[code] == rows && role_ == Role::predictor)
        warnings.push_back(
            fmt::format("column \"{}\" has one level only, {}, and is left out", name_, shown(level)));
    }
    return;
  }
  if (!reference_.empty())
    throw Error(Fault::usage, fmt::format("--reference {}={}: the column is of {}, which have no reference",
                                          name_, reference_, is_date() ? "dates" : "numbers"));
  const bool constant = least_ == greatest_;
  constant_ = constant && role_ == Role::predictor;
  if (constant && role_ != Role::offset && role_ != Role::weight)
    warnings.push_back(fmt::format("column \"{}\" is constant, {} in every row{}", name_, least_,
                                   constant_ ? ", and left out" : ""));
  constexpr double large = 30.0;  // of a logarithm
  if (role_ == Role::offset && least_ >= 0.0 && greatest_ > large)
    warnings.push_back(
        fmt::format("the offset \"{}\" reaches {}: it is added to the linear predictor, so that "
                    "of a count's exposure the log is to be imported",
                    name_, greatest_));
  if (role_ != Role::predictor && role_ != Role::response) return;
  const double deviation = constant ? 0.0 : std::sqrt(squares_ / static_cast<double>(rows - 1));
  // A spread that underflows or overflows cannot be divided by; the values stay as they are, centred.
  moments_ = {constant ? least_ : mean_, std::isnormal(deviation) ? deviation : 1.0};
  if (!standardize) return;
  centre_ = moments_.mean;
  scale_ = moments_.sd;
}

std::vector<Column> SourceColumn::design() const {
  if (is_constant()) return {};
  if (!is_factor()) return {{name_, name_, "", "", centre_, scale_}};
  std::vector<Column> columns;
  for (std::size_t i = 1; i < levels_.size(); ++i)
    columns.push_back({fmt::format("{}[{}]", name_, levels_[i]), name_, levels_[i], levels_[0], 0.0, 1.0});
  return columns;
}

void SourceColumn::encode(double value, std::span<double> x) const {
  if (!is_factor()) {
    if (!constant_) x[0] = (value - centre_) / scale_;
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
