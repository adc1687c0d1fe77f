#pragma once
#include <vector>

#include "vfe/core/rows.hpp"

namespace vfe::glm_kernel {

/// A number of a row (or 1) times the coefficient of the cell that the row is in.
struct CellProduct {
  Index index = -1;           ///< column of the cells; -1: the one cell there is
  Index number = -1;          ///< column of x; -1: the number 1
  Index first = 0, step = 1;  ///< the coefficient of a cell is at first + cell * step, in the kernel's order
};

/// A design as the kernel takes it: columns of x that have one coefficient each, and products with the
/// coefficients of cells, which no zeros are stored or multiplied for.
struct Terms {
  std::vector<Index> numbers;         ///< of each column of x, which of the schema's it is
  Index dense = 0;                    ///< columns of x with a coefficient of their own: the first
  std::vector<Index> coefficients;    ///< in the kernel's order, which of the schema's: the dense ones first
  std::vector<CellProduct> products;  ///< those without a number first
  Index without_number = 0;

  Index num_columns() const { return static_cast<Index>(numbers.size()); }
  Index num_coefficients() const { return static_cast<Index>(coefficients.size()); }
  Index num_products() const { return static_cast<Index>(products.size()); }
};

Terms kernel_terms(const DesignSchema& schema);

/// Brings the columns of x into the kernel's order.
void order_columns(const Terms& terms, Rows& rows);

}  // namespace vfe::glm_kernel
