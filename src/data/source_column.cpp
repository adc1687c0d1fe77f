#include "data/source_column.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
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

namespace vfe {

namespace {

constexpr std::size_t max_levels = 10'000'000;
// From here on nearly all of some texts being different settles it: a factor has not as many levels for
// nothing.
constexpr std::size_t many_texts = std::size_t{1} << 20;

}  // namespace

std::string shown(std::string_view text) {
  constexpr std::size_t longest = 60;
  return fmt::format("\"{}\"", one_line(shortened(text, longest)));
}

std::string unusable(std::string_view text, const ParsedField& field) {
  switch (field.kind) {
    case FieldKind::text:
      if (is_utf8(text)) return "";
      return shown(text) + " is not UTF-8 (--encoding latin1 reads what older programs write)";
    case FieldKind::infinite:
      return shown(text) + " is not finite";
    case FieldKind::decimal_comma:
      return shown(text) + " has a decimal comma, expected a decimal point (--decimal , reads it)";
    case FieldKind::grouped:
      return shown(text) +
             " has a comma: between thousands (--thousands , reads it), or for the decimals (--decimal ,)?";
    default:
      return "";
  }
}

SourceColumn::SourceColumn(std::string name, std::size_t position, bool factor, std::string reference,
                           bool group)
    : name_(std::move(name)),
      position_(position),
      forced_factor_(factor),
      group_(group),
      reference_(std::move(reference)),
      least_(infinity),
      greatest_(-infinity),
      least_whole_(std::numeric_limits<std::int64_t>::max()),
      greatest_whole_(std::numeric_limits<std::int64_t>::min()) {
  if (factor) kind_ = Kind::factor;
}

SourceColumn::Status SourceColumn::bad(const std::string& problem) {
  problem_ = problem;
  return Status::bad;
}

SourceColumn::Status SourceColumn::read_whole(std::string_view text, const std::optional<std::int64_t>& whole,
                                              Cell& cell) {
  if (!whole)
    return bad(
        fmt::format("{} names a group, expected a whole number up to 2^53 (2^63 in plain digits; "
                    "--factor {} takes all as levels)",
                    shown(text), name_));
  cell = std::bit_cast<Cell>(*whole);
  return Status::value;
}

SourceColumn::Status SourceColumn::read(std::string_view text, std::int64_t line, const FieldFormat& format,
                                        Cell& cell) {
  if (left_ != Left::in) return Status::value;
  const ParsedField field = parse_field(text, format);
  if (field.kind == FieldKind::missing) return Status::missing;
  if (field.kind == FieldKind::text || !forced_factor_) {
    if (std::string problem = unusable(text, field); !problem.empty()) return bad(problem);
  }
  if (forced_factor_) return Status::value;
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
    if (group_) return read_whole(text, whole_number(text, {FieldKind::number, *days}), cell);
    cell = std::bit_cast<Cell>(*days);
    return Status::value;
  }
  if (!is_number) return mixed("not a number");
  if (group_) return read_whole(text, whole_number(text, field), cell);
  cell = std::bit_cast<Cell>(field.number);
  return Status::value;
}

Cell SourceColumn::code(std::string_view level, const std::function<std::string()>& where) {
  if (left_ != Left::in) return missing_cell;
  ++values_;
  const auto found = codes_.find(level);
  if (found != codes_.end()) return found->second;
  if (codes_.size() == many_texts && all_different()) {
    left_ = Left::text;
    codes_.clear();
    texts_.clear();
    return missing_cell;
  }
  if (codes_.size() == max_levels)
    throw Error(Fault::data,
                fmt::format("{}: {} is level {} of a factor, at most {} are taken{} (--drop {} "
                            "leaves the column out)",
                            where(), shown(level), max_levels + 1, max_levels,
                            likeness(level).empty() ? "" : fmt::format("; {}?", likeness(level)), name_));
  const std::size_t next = codes_.size();
  codes_.emplace(texts_.emplace_back(level), next);
  uses_.push_back(0);
  occurs_.push_back(false);
  return next;
}

bool SourceColumn::all_different() const {
  constexpr std::size_t few = 20;
  return !forced_factor_ && !group_ && codes_.size() > few && 10 * std::ssize(codes_) >= 9 * values_;
}

void SourceColumn::settle() {
  if (left_ != Left::in || !may_be_dropped()) return;
  if (codes_.empty()) left_ = Left::empty;
  if (all_different()) left_ = Left::text;
}

void SourceColumn::count(Cell cell, bool aside) {
  if (left_ != Left::in) return;
  if (!is_factor() && !is_integer()) return count_number(std::bit_cast<double>(cell), aside);
  if (is_factor()) occurs_[cell] = true;
  if (aside) return;
  ++count_;
  if (is_factor()) {
    ++uses_[cell];
  } else {
    least_whole_ = std::min(least_whole_, std::bit_cast<std::int64_t>(cell));
    greatest_whole_ = std::max(greatest_whole_, std::bit_cast<std::int64_t>(cell));
  }
}

void SourceColumn::count_number(double value, bool aside) {
  whole_ = whole_ && value == std::floor(value);
  rounding_ = std::max(rounding_, std::abs(static_cast<double>(static_cast<float>(value)) - value));
  largest_ = std::max(largest_, std::abs(value));
  if (aside) return;
  const double deviation = value - mean_;
  mean_ += deviation / static_cast<double>(++count_);
  squares_ += deviation * (value - mean_);
  least_ = std::min(least_, value);
  greatest_ = std::max(greatest_, value);
}

std::string SourceColumn::single_note() const {
  constexpr double most = 1e-6;  // standard deviations
  if (left_ != Left::in || rounding_ == 0.0) return "";
  if (whole_)
    return fmt::format(
        "column \"{}\" has whole numbers up to {}, not all of which single precision holds: numbers are "
        "stored "
        "in double precision",
        name_, largest_);
  if (least_ >= greatest_ && largest_ <= std::numeric_limits<float>::max()) return "";
  const double relative = rounding_ / std::sqrt(squares_ / static_cast<double>(count_ - 1));
  if (relative <= most) return "";
  return fmt::format(
      "column \"{}\": single precision would round its values by up to {:.2g} of their standard deviation: "
      "numbers are stored in double precision",
      name_, relative);
}

/// Those that occur, as texts or, where all of them are numbers, as numbers.
std::vector<std::size_t> SourceColumn::sorted_codes() const {
  std::vector<std::size_t> order;
  for (std::size_t code = 0; code < texts_.size(); ++code)
    if (occurs_[code]) order.push_back(code);
  std::ranges::sort(order, std::less{}, [&](std::size_t code) -> const std::string& { return texts_[code]; });
  std::vector<double> numbers(texts_.size());
  for (const std::size_t code : order) {
    const ParsedField field = parse_field(texts_[code]);
    if (field.kind != FieldKind::number) return order;
    numbers[code] = field.number;
  }
  std::ranges::stable_sort(order, std::less{}, [&](std::size_t code) { return numbers[code]; });
  return order;
}

void SourceColumn::sort_levels() {
  std::vector<std::size_t> order = sorted_codes();
  if (!reference_.empty()) {
    const auto reference =
        std::ranges::find_if(order, [&](std::size_t c) { return texts_[c] == reference_; });
    if (reference == order.end()) {
      std::vector<std::string> all;
      for (const std::size_t code : order) all.push_back(texts_[code]);
      throw Error(Fault::usage, fmt::format("--reference {}={}: no such level; the nearest are \"{}\"", name_,
                                            reference_, fmt::join(nearest(reference_, all), "\", \"")));
    }
    std::rotate(order.begin(), reference, std::next(reference));
  }
  rank_.resize(texts_.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    rank_[order[i]] = i;
    levels_.push_back(texts_[order[i]]);
  }
}

std::string SourceColumn::likeness_note() const {
  constexpr std::size_t few = 10;
  if (left_ == Left::empty) return "";
  if (is_date())
    return fmt::format(
        "column \"{}\" is of dates, taken as days since 1970-01-01 (--factor {} takes them as "
        "levels)",
        name_, name_);
  if (!is_factor() || forced_factor_ || group_ || texts_.empty()) return "";
  const std::string_view like = common_likeness({texts_.begin(), texts_.end()});
  const bool nearly_as_many =
      left_ == Left::in && levels_.size() >= few && 10 * std::ssize(levels_) >= 9 * values_;
  if (like.empty() && !nearly_as_many) return "";
  return fmt::format("column \"{}\" is text, such as {}; {} levels in {} rows: {}?", name_,
                     shown(texts_.front()), texts_.size(), values_,
                     like.empty() ? "an identifier or free text" : like);
}

void SourceColumn::finish(std::vector<std::string>& warnings) {
  if (left_ != Left::in && !reference_.empty())
    throw Error(Fault::usage,
                fmt::format("--reference {}={}: the column is left out, {}", name_, reference_,
                            left_ == Left::empty ? "it has no values"
                                                 : fmt::format("nearly all of its texts are different "
                                                               "(--factor {} keeps it)",
                                                               name_)));
  if (left_ != Left::in) return;
  if (is_factor()) {
    sort_levels();
    for (const std::size_t code : sorted_codes()) {
      if (uses_[code] == 0 && !group_)  // effects of a group that was not seen are known as the others'
        warnings.push_back(fmt::format("level {} of column \"{}\" occurs only in rows set aside",
                                       shown(texts_[code]), name_));
      else if (uses_[code] == count_)
        warnings.push_back(fmt::format("column \"{}\" has one level only, {}", name_, shown(texts_[code])));
    }
    return;
  }
  if (!reference_.empty())
    throw Error(Fault::usage, fmt::format("--reference {}={}: the column is of {}, which have no reference",
                                          name_, reference_, is_date() ? "dates" : "numbers"));
  if (is_integer() && least_whole_ == greatest_whole_)
    warnings.push_back(fmt::format("column \"{}\" is constant, {} in every row", name_, least_whole_));
  if (least_ == greatest_)
    warnings.push_back(fmt::format("column \"{}\" is constant, {} in every row", name_, least_));
}

}  // namespace vfe
