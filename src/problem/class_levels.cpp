#include "problem/class_levels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

class WithClassLevels final : public RowSource {
 public:
  explicit WithClassLevels(std::shared_ptr<const RowSource> rows)
      : rows_(std::move(rows)), schema_(rows_->schema()) {
    for (const double number : schema_.response_numbers) {
      schema_.response_levels.push_back(fmt::format("{:.0f}", number));
    }
    schema_.response_classes = 0;
    schema_.response_numbers.clear();
  }

  const Schema& schema() const override { return schema_; }
  Index first_block() const override { return rows_->first_block(); }
  const Blocks& blocks() const override { return rows_->blocks(); }
  Reading reading() const override { return rows_->reading(); }

  Rows read(const BlockRange& blocks) const override {
    Rows rows = rows_->read(blocks);
    const Vector codes = class_codes(rows_->schema(), rows.y);
    for (Index i = 0; i < codes.size(); ++i) {
      if (codes[i] >= 0.0) continue;
      throw RowError(rows.first_row + i,
                     fmt::format("response \"{}\" is {}, expected one of the {} in "
                                 "/response_numbers",
                                 schema_.response, rows.y[i], schema_.response_levels.size()));
    }
    rows.y = codes;
    return rows;
  }

 private:
  std::shared_ptr<const RowSource> rows_;
  Schema schema_;
};

}  // namespace

std::shared_ptr<const RowSource> with_class_levels(std::shared_ptr<const RowSource> rows) {
  return std::make_shared<WithClassLevels>(std::move(rows));
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
