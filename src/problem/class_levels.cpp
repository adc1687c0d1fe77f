#include "problem/class_levels.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "problem/recoded_rows.hpp"
#include "vfe/core/error.hpp"

namespace vfe {
namespace {

Schema with_levels(Schema schema) {
  for (const double number : schema.response_numbers) {
    schema.response_levels.push_back(fmt::format("{:.0f}", number));
  }
  schema.response_classes = 0;
  schema.response_numbers.clear();
  return schema;
}

class WithClassLevels final : public RecodedRows {
 public:
  explicit WithClassLevels(const std::shared_ptr<const RowSource>& rows)
      : RecodedRows(with_levels(rows->schema()), rows) {}

  Rows read(const BlockRange& blocks) const override {
    Rows rows = stored().read(blocks);
    const Vector codes = class_codes(stored().schema(), rows.y);
    for (Index i = 0; i < codes.size(); ++i) {
      if (codes[i] >= 0.0) continue;
      throw RowError(rows.first_row + i,
                     fmt::format("response \"{}\" is {}, expected one of the {} in "
                                 "/response_numbers",
                                 schema().response, rows.y[i], schema().response_levels.size()));
    }
    rows.y = codes;
    return rows;
  }
};

}  // namespace

std::shared_ptr<const RowSource> with_class_levels(std::shared_ptr<const RowSource> rows) {
  return std::make_shared<WithClassLevels>(rows);
}

Vector class_codes(const Schema& schema, ConstVec numbers) {
  const std::vector<double>& known = schema.response_numbers;
  Vector codes(numbers.size());
  for (Index i = 0; i < numbers.size(); ++i) {
    const auto found = std::lower_bound(known.begin(), known.end(), numbers[i]);
    const bool is_known = found != known.end() && *found == numbers[i];
    codes[i] = is_known ? static_cast<double>(found - known.begin()) : -1.0;
  }
  return codes;
}

}  // namespace vfe
