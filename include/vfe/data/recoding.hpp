#pragma once
#include <string>
#include <vector>

#include "vfe/core/rows.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {

/// Rows of one dataset recoded as another's: columns matched by name, centring and scale undone and applied
/// anew, indicators of a factor made from the level whatever the reference, response levels matched by name,
/// or by number where numbers stand for them.
class Recoding {
 public:
  /// Throws Fault::data where `to` has a column, or an offset, that `from` has not (named).
  Recoding(const Dataset& from, const Schema& to);

  /// What a person should know: columns that are not used.
  const std::vector<std::string>& notes() const { return notes_; }
  /// Rows of `from` in the coding of `to`, x in double; weights are dropped. Throws Fault::data naming the
  /// first row with a level of a factor or of the response that `to` does not know.
  Rows operator()(const Rows& rows) const;

 private:
  /// How a column of `to` is made.
  struct Rule {
    std::vector<Index> sum;   ///< columns of `from` whose values on the user's scale are added ...
    bool complement = false;  ///< ... and taken from 1: the indicator of the reference of `from`
  };
  /// A factor of `from` whose rows may be of levels that `to` does not know.
  struct Factor {
    std::string source;
    std::vector<Index> indicators;  ///< all of it in `from`
    std::vector<Index> unknown;     ///< those of levels that `to` does not know
    bool reference_is_unknown = false;
  };

  void match_columns();
  void match_indicator(const Column& column);
  void match_levels_of(const std::string& source);
  void match_response();
  double value(const Rows& rows, Index row, Index column) const;  ///< on the user's scale
  double code_of_number(const Rows& rows, Index row) const;
  void check_levels(const Rows& rows, Index row) const;

  const Dataset& from_;
  Schema to_;
  std::vector<Rule> rules_;  ///< by column of `to`
  std::vector<Factor> factors_;
  std::vector<double> response_code_;  ///< by code in `from`; -1: not a level of `to`. Empty: taken as it is
  /// Of the levels of `to`, where `from` has numbers for them; else empty.
  std::vector<double> numbers_of_levels_;
  std::vector<std::string> notes_;
};

}  // namespace vfe
