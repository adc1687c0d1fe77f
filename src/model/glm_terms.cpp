#include "model/glm_terms.hpp"

#include <algorithm>
#include <numeric>

namespace vfe::glm_kernel {
namespace {

Index place_in(std::vector<Index>& list, Index what) {
  const auto found = std::ranges::find(list, what);
  const Index place = found - list.begin();
  if (found == list.end()) list.push_back(what);
  return place;
}

void add_products(const DesignTerm& term, Terms& terms) {
  const Index first = terms.num_coefficients();
  for (Index j = 0; j < term.width; ++j) {
    CellProduct product{.index = term.index, .first = first + j, .step = term.width};
    if (term.column >= 0) product.number = place_in(terms.numbers, term.column + j);
    terms.products.push_back(product);
  }
  for (Index j = 0; j < term.num_coefficients(); ++j)
    terms.coefficients.push_back(term.first_coefficient + j);
}

bool is_dense(const DesignTerm& term) {
  return term.index < 0 && term.column >= 0;
}

}  // namespace

Terms kernel_terms(const DesignSchema& schema) {
  Terms terms;
  if (schema.terms.empty()) {
    terms.dense = schema.num_columns();
    terms.numbers.resize(static_cast<std::size_t>(terms.dense));
    std::iota(terms.numbers.begin(), terms.numbers.end(), Index{0});
    terms.coefficients = terms.numbers;
    return terms;
  }
  for (const DesignTerm& term : schema.terms) {
    for (Index j = 0; is_dense(term) && j < term.width; ++j) {
      terms.numbers.push_back(term.column + j);
      terms.coefficients.push_back(term.first_coefficient + j);
    }
  }
  terms.dense = terms.num_columns();
  for (const DesignTerm& term : schema.terms)
    if (!is_dense(term)) add_products(term, terms);
  const auto with_number = std::stable_partition(terms.products.begin(), terms.products.end(),
                                                 [](const CellProduct& p) { return p.number < 0; });
  terms.without_number = with_number - terms.products.begin();
  return terms;
}

void order_columns(const Terms& terms, Rows& rows) {
  std::visit(
      [&](auto& x) {
        std::vector<Index> as_they_are(static_cast<std::size_t>(x.cols()));
        std::iota(as_they_are.begin(), as_they_are.end(), Index{0});
        if (terms.numbers != as_they_are) x = std::decay_t<decltype(x)>(x(Eigen::all, terms.numbers));
      },
      rows.x);
}

}  // namespace vfe::glm_kernel
