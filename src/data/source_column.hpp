#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vfe/core/rows.hpp"
#include "vfe/data/csv.hpp"

namespace vfe {

/// What a column of a CSV is in the dataset.
enum class Role { predictor, response, offset, weight };

/// A column of a CSV while it is read: whether it is numeric or a factor (the first value that is not missing
/// decides), the levels of a factor, the moments of numbers; then its coding in the dataset.
class SourceColumn {
 public:
  /// `position` among the fields of a row. `factor`: a factor even where its values are numbers. `reference`:
  /// the level that comes first; empty: as they are sorted.
  SourceColumn(std::string name, std::size_t position, Role role, bool factor, std::string reference = "");

  const std::string& name() const { return name_; }
  std::size_t position() const { return position_; }
  Role role() const { return role_; }
  bool is_factor() const { return kind_ == Kind::factor; }

  enum class Status { value, missing, bad };
  /// Judges a field. Sets `number` where the column is numeric and the status `value`; problem() says what is
  /// wrong with a bad one.
  Status read(std::string_view text, std::int64_t line, const FieldFormat& format, double& number);
  const std::string& problem() const { return problem_; }

  /// The code of a level, in the order of first use; a new level is added. Throws Fault::data beyond 1,000.
  double code(std::string_view level, const std::string& where);
  /// Counts a value (a number, or the code of a level) of a row that is not set aside; `inverse_count` is 1 /
  /// the number of such rows so far, this one included.
  void count(double value, double inverse_count);

  /// Takes note of a response that is a number, of any row, set aside or not: it may be that of a class.
  void see_class(double value);

  /// Ends the reading: sorts the levels (as numbers where all of them are numbers), settles centre and scale.
  /// Appends what a user should know to `warnings`. Throws Fault::data for a response of one level,
  /// Fault::usage for a reference that is none.
  void finish(Index rows, bool standardize, std::vector<std::string>& warnings);

  // After finish():

  /// What the levels of a factor look like, where they may have been meant to be something else, or that
  /// dates were taken for numbers; else empty.
  std::string likeness_note(Index rows) const;
  /// Whether nothing of it is in the design: it says the same in every row.
  bool is_constant() const { return is_factor() ? levels_.size() < 2 : constant_; }
  bool is_date() const { return kind_ == Kind::date; }

  const std::vector<std::string>& levels() const { return levels_; }
  double centre() const { return centre_; }
  double scale() const { return scale_; }
  /// Of a numeric response of whole numbers, at most 1,000 of them: those that occur, rising.
  std::vector<double> numbers() const;
  /// Their count where they are 0, 1, ... without a gap; otherwise 0.
  Index classes() const;
  /// Of a numeric column, whatever centre and scale are.
  MeanAndSd moments() const { return moments_; }
  /// The rounding of the largest value to single precision as it is stored, in standard deviations.
  double single_rounding() const;
  /// Columns of the design matrix: one of a numeric column that varies, one per level but the first of a
  /// factor.
  std::vector<Column> design() const;
  std::size_t width() const { return is_factor() ? levels_.size() - 1 : constant_ ? 0 : 1; }
  /// Sets x (width() of them) to the coding of a value as given to count().
  void encode(double value, std::span<double> x) const;
  /// The value of a response, offset or weight: a number as it was, or the position of its level.
  double plain(double value) const;

 private:
  enum class Kind { unknown, numeric, date, factor };
  Status bad(const std::string& problem);
  void sort_levels();
  void require_several_levels(Index rows) const;

  std::string name_;
  std::size_t position_;
  Role role_;
  bool forced_factor_;
  std::string reference_;
  Kind kind_ = Kind::unknown;
  std::string first_text_;  // which decided the kind
  std::int64_t first_line_ = 0;
  std::string problem_;

  std::map<std::string, std::size_t, std::less<>> codes_;
  std::vector<Index> uses_;        // rows counted, by code
  std::vector<std::size_t> rank_;  // position among the sorted levels, by code
  std::vector<std::string> levels_;

  double mean_ = 0.0, squares_ = 0.0;  // Welford (1962): mean, sum of squared deviations
  double least_ = 0.0, greatest_ = 0.0;
  std::set<double> numbers_;
  bool only_classes_ = true, constant_ = false;
  MeanAndSd moments_;
  double centre_ = 0.0, scale_ = 1.0;
};

}  // namespace vfe
