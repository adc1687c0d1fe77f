#include "formula/coded_terms.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <utility>

namespace vfe {

namespace {

/// Terms in their order, and which of them hold a margin of one to come.
class Margins {
 public:
  void add(const TermKey& term) {
    for (std::size_t i : term) holders_[i].push_back(order_.size());
    before_.add(term);
    order_.push_back(term);
  }

  /// Whether a term before holds all variables of this one but that.
  bool has(const TermKey& term, std::size_t variable) {
    TermKey margin;
    std::copy_if(term.begin(), term.end(), std::back_inserter(margin),
                 [&](std::size_t i) { return i != variable; });
    if (margin.empty() || before_.contains(margin)) return true;
    const auto fewer = [&](std::size_t a, std::size_t b) { return holders_[a].size() < holders_[b].size(); };
    const std::size_t rarest = *std::min_element(margin.begin(), margin.end(), fewer);
    return std::any_of(holders_[rarest].begin(), holders_[rarest].end(), [&](std::size_t i) {
      return std::includes(order_[i].begin(), order_[i].end(), margin.begin(), margin.end());
    });
  }

 private:
  std::vector<TermKey> order_;
  TermSet before_;                                                     ///< the same
  std::unordered_map<std::size_t, std::vector<std::size_t>> holders_;  ///< by variable: terms that hold it
};

}  // namespace

std::vector<FormulaTerm> coded_terms(std::vector<TermKey> products,
                                     const std::vector<FormulaVariable>& variables, bool has_intercept) {
  std::stable_sort(products.begin(), products.end(),
                   [](const TermKey& a, const TermKey& b) { return a.size() < b.size(); });
  std::vector<FormulaTerm> terms;
  Margins margins;
  bool is_first_factor = !has_intercept;  // all of its levels stand for the intercept
  for (TermKey& key : products) {
    FormulaTerm term{"", key, {}};
    for (std::size_t i : key) {
      const FormulaVariable& variable = variables[i];
      term.name += (term.name.empty() ? "" : ":") + variable.name;
      const bool is_full = variable.is_factor() && (is_first_factor || !margins.has(key, i));
      if (variable.is_factor()) is_first_factor = false;
      term.is_full.push_back(is_full);
    }
    margins.add(key);
    terms.push_back(std::move(term));
  }
  return terms;
}

}  // namespace vfe
