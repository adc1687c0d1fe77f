#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vfe/core/types.hpp"
#include "vfe/data/csv.hpp"

namespace vfe {

/// A field as it may stand in a one-line message.
std::string shown(std::string_view text);
/// Why a field is no value, whatever its column is of: not UTF-8, not finite, a comma that may mean two
/// things; empty where it is one.
std::string unusable(std::string_view text, const ParsedField& field);

/// What a record holds of a row's value: the bits of a number, a whole number, or the code of a level.
using Cell = std::uint64_t;
/// The bits of NaN. (Whole numbers may have the same: of those none are missing.)
constexpr Cell missing_cell = 0x7ff8000000000000;

/// A column of a CSV while it is read: what it is of (the first value that is not missing decides), the
/// levels of a factor, the range and rounding of numbers; then whether the table has it, and as what.
class SourceColumn {
 public:
  /// `position` among the fields of a row. `factor`: a factor even where its values are numbers, or all
  /// different. `reference`: the level that comes first; empty: as they are sorted. `group`: names groups of
  /// rows: its numbers are whole, and its texts levels even where they are all different.
  SourceColumn(std::string name, std::size_t position, bool factor, std::string reference = "",
               bool group = false);

  const std::string& name() const { return name_; }
  std::size_t position() const { return position_; }
  bool is_factor() const { return kind_ == Kind::factor; }
  bool is_date() const { return kind_ == Kind::date; }
  bool is_group() const { return group_; }
  bool is_integer() const { return group_ && (kind_ == Kind::numeric || kind_ == Kind::date); }
  /// Whether the table may yet be without the column: it may be of texts all different, or empty.
  bool may_be_dropped() const { return !group_ && (kind_ == Kind::factor || kind_ == Kind::unknown); }

  enum class Status { value, missing, bad };
  /// Judges a field. Sets `cell` where the status is `value` and the column no factor; problem() says what is
  /// wrong with a bad one.
  Status read(std::string_view text, std::int64_t line, const FieldFormat& format, Cell& cell);
  const std::string& problem() const { return problem_; }
  /// The code of a level, in the order of first use; a new level is added. Of texts that are nearly all
  /// different those beyond a million are no longer told apart. Throws Fault::data beyond 10 million.
  Cell code(std::string_view level, const std::function<std::string()>& where);

  enum class Left { in, text, empty };
  /// Once all fields are read: whether the table has the column, or it is left out, being texts that are
  /// nearly all different, or without any value.
  void settle();
  Left left() const { return left_; }
  /// Counts a value, which is not missing, of a row of the table, or of those set aside.
  void count(Cell cell, bool aside);
  /// Ends the counting: sorts the levels that occur (as numbers where all of them are numbers). Appends what
  /// a user should know to `warnings`. Throws Fault::usage for a reference that is none.
  void finish(std::vector<std::string>& warnings);

  // After finish():

  /// What the levels of a factor look like, where they may have been meant to be something else, or that
  /// dates were taken for numbers; else empty.
  std::string likeness_note() const;
  const std::vector<std::string>& levels() const { return levels_; }
  /// What single precision would do to the numbers: whole ones that it does not hold, or a rounding by more
  /// than 1e-6 standard deviations; empty where it does neither.
  std::string single_note() const;
  /// Of the code of a level its place among those that occur.
  std::int32_t level(Cell code) const { return static_cast<std::int32_t>(rank_[code]); }

 private:
  enum class Kind { unknown, numeric, date, factor };
  Status bad(const std::string& problem);
  Status read_whole(std::string_view text, const std::optional<std::int64_t>& whole, Cell& cell);
  void count_number(double value, bool aside);
  bool all_different() const;
  std::vector<std::size_t> sorted_codes() const;
  void sort_levels();

  std::string name_;
  std::size_t position_;
  bool forced_factor_, group_;
  std::string reference_;
  Kind kind_ = Kind::unknown;
  Left left_ = Left::in;
  std::string first_text_;  // which decided the kind
  std::int64_t first_line_ = 0;
  std::string problem_;

  std::deque<std::string> texts_;  // by code; those of codes_ lie here
  std::unordered_map<std::string_view, std::size_t> codes_;
  Index values_ = 0;               // fields that have a code
  std::vector<Index> uses_;        // rows counted, by code
  std::vector<bool> occurs_;       // in a row of the table or of those set aside, by code
  std::vector<std::size_t> rank_;  // position among the sorted levels, by code
  std::vector<std::string> levels_;

  Index count_ = 0;                    // values of rows that are not set aside
  double mean_ = 0.0, squares_ = 0.0;  // Welford (1962): mean, sum of squared deviations
  double least_, greatest_;
  std::int64_t least_whole_, greatest_whole_;  // of whole numbers
  bool whole_ = true;                          // every number
  double rounding_ = 0.0, largest_ = 0.0;  // the greatest change by single precision; of the absolute values
};

}  // namespace vfe
