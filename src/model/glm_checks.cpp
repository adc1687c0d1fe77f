#include "model/glm_checks.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/core/row_source.hpp"

namespace vfe {
namespace {

constexpr double largest_count = 9007199254740992.0;  ///< above it not every whole number is a double

// What is expected of a response that is not so, or nullptr.
const char* expected_response(Support support, double y, double trials, Index classes) {
  const bool count = y >= 0.0 && y == std::floor(y) && y <= largest_count;
  switch (support) {
    case Support::real:
      return std::isfinite(y) ? nullptr : "a finite number";
    case Support::binary:
      return y == 0.0 || y == 1.0 ? nullptr : "0 or 1";
    case Support::count:
      return count ? nullptr : "a count 0, 1, 2, ...";
    case Support::count_of_trials:
      return count && y <= trials ? nullptr : "a count 0, 1, 2, ... that is not above its trials";
    case Support::classes:
      return count && y < static_cast<double>(classes) ? nullptr : "the number of a class";
    case Support::positive:
      return y > 0.0 && std::isfinite(y) ? nullptr : "a number above 0";
    case Support::unit:
      return y > 0.0 && y < 1.0 ? nullptr : "a number between 0 and 1";
  }
  return "nothing";
}

// What a response that is no text should be.
const char* kind_of_response(Support support) {
  const bool count = support == Support::count || support == Support::count_of_trials;
  return count ? "a count 0, 1, 2, ..." : "a number";
}

class RowChecks {
 public:
  RowChecks(const DesignSchema& schema, const Rows& rows) : schema_(schema), rows_(rows) {}

  [[noreturn]] void fail(Index row, const std::string& found) const {
    throw RowError(rows_.first_row + row, found);
  }

  void values(Likelihood likelihood, Index classes) const {
    extras(likelihood);
    const Support support = traits(likelihood).support;
    if (!takes_levels(likelihood) && !schema_.response_levels.empty() && rows_.size() > 0) {
      fail(0, fmt::format("response \"{}\" is {}, expected {} for a {} model", schema_.response,
                          name_of_level(rows_.y[0]), kind_of_response(support), to_string(likelihood)));
    }
    for (Index i = 0; i < rows_.size(); ++i) {
      const double trials = rows_.trials.size() > 0 ? rows_.trials[i] : 0.0;
      const bool is_absent = schema_.may_lack_response && std::isnan(rows_.y[i]);
      const char* expected = is_absent ? nullptr : expected_response(support, rows_.y[i], trials, classes);
      if (expected != nullptr) {
        fail(i, fmt::format("response \"{}\" is {}, expected {} for a {} model", schema_.response, rows_.y[i],
                            expected, to_string(likelihood)));
      }
      if (rows_.weight.size() > 0 && !(rows_.weight[i] >= 0.0 && std::isfinite(rows_.weight[i]))) {
        fail(i, fmt::format("weight is {}, expected a number that is not negative", rows_.weight[i]));
      }
      if (rows_.offset.size() > 0 && !std::isfinite(rows_.offset[i])) {
        fail(i, fmt::format("offset is {}, expected a finite number", rows_.offset[i]));
      }
    }
    std::visit([this](const auto& x) { numbers(x); }, rows_.x);
    for (const DesignTerm& term : schema_.terms) cells(term);
  }

 private:
  /// "\"$100.22\", one of 200 levels": what the code of a text stands for.
  std::string name_of_level(double code) const {
    const std::vector<std::string>& levels = schema_.response_levels;
    const bool known = code >= 0.0 && code < static_cast<double>(levels.size());
    return fmt::format(
        "{}, one of {} levels",
        known ? fmt::format("\"{}\"", levels[static_cast<std::size_t>(code)]) : fmt::format("{}", code),
        levels.size());
  }

  // Trials and censoring, which not every model takes.
  void extras(Likelihood likelihood) const {
    const bool has_trials = rows_.trials.size() > 0, has_censoring = rows_.censoring.size() > 0;
    const bool needs_trials = traits(likelihood).support == Support::count_of_trials;
    if (rows_.size() > 0 && has_trials != needs_trials) {
      throw Error(Fault::data, fmt::format("{} model of response \"{}\": the rows have {}trials, expected {}",
                                           to_string(likelihood), schema_.response, has_trials ? "" : "no ",
                                           needs_trials ? "a number of them for each count" : "none"));
    }
    if (has_censoring && !traits(likelihood).takes_censoring) {
      throw Error(Fault::data, fmt::format("{} model of response \"{}\": the rows say which responses are "
                                           "censored, expected none to be",
                                           to_string(likelihood), schema_.response));
    }
    for (Index i = 0; i < rows_.size(); ++i) {
      const double trials = has_trials ? rows_.trials[i] : 0.0;
      if (!(trials >= 0.0 && trials == std::floor(trials) && trials <= largest_count)) {
        fail(i, fmt::format("trials are {}, expected a count 0, 1, 2, ...", trials));
      }
      const double censoring = has_censoring ? rows_.censoring[i] : 0.0;
      if (censoring != 0.0 && censoring != 1.0) {
        fail(i, fmt::format("censoring is {}, expected 0 (observed) or 1 (above what is given)", censoring));
      }
    }
  }

  template <class X>
  void numbers(const X& x) const {
    for (Index i = 0; i < x.rows(); ++i) {
      if (x.row(i).allFinite()) continue;
      Index j = 0;
      while (std::isfinite(x(i, j))) ++j;
      fail(i, fmt::format("column \"{}\" is {}, expected a finite number", name_of_number(j), x(i, j)));
    }
  }

  std::string name_of_number(Index number) const {
    for (const DesignTerm& term : schema_.terms) {
      const Index j = number - term.column;
      if (term.column < 0 || j < 0 || j >= term.width) continue;
      return term.index < 0 ? schema_.columns[static_cast<std::size_t>(term.first_coefficient + j)].name
                            : term.name;
    }
    return schema_.columns[static_cast<std::size_t>(number)].name;
  }

  void cells(const DesignTerm& term) const {
    for (Index i = 0; term.index >= 0 && i < rows_.size(); ++i) {
      const std::int32_t cell = rows_.cells(i, term.index);
      if (cell >= -1 && cell < term.num_cells) continue;
      fail(i, fmt::format("cell of term \"{}\" is {}, expected one of 0 to {}, or -1", term.name, cell,
                          term.num_cells - 1));
    }
  }

  const DesignSchema& schema_;
  const Rows& rows_;
};

}  // namespace

void check_rows(Likelihood likelihood, Index classes, const DesignSchema& schema, const Rows& rows) {
  RowChecks(schema, rows).values(likelihood, classes);
}

}  // namespace vfe
