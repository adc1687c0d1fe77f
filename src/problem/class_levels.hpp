#pragma once
#include <memory>

#include "vfe/core/row_source.hpp"

namespace vfe {

/// Rows whose response is the number of a class (schema.response_numbers) become rows of a factor: its levels
/// are named by the numbers that occur, and y counts 0, 1, ... without a gap. A number that the schema does
/// not hold throws RowError when it is read.
std::shared_ptr<const RowSource> with_class_levels(std::shared_ptr<const RowSource> rows);

/// The codes of numbers, as with_class_levels() makes them; -1 of one that is not there.
Vector class_codes(const Schema& schema, ConstVec numbers);

}  // namespace vfe
