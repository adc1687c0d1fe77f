#include "formula/term_set.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace vfe {

namespace {

TermKey all_variables(const TermSet& terms) {
  TermKey all;
  for (const TermKey& term : terms.terms()) all.insert(all.end(), term.begin(), term.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace

std::size_t TermHash::operator()(const TermKey& term) const {
  std::size_t hash = 14695981039346656037ull;
  for (std::size_t variable : term) hash = (hash ^ variable) * 1099511628211ull;
  return hash ^ hash >> 32;
}

TermKey joined(const TermKey& a, const TermKey& b) {
  TermKey both;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

void TermSet::add(TermKey term) {
  if (!places_.emplace(term, order_.size()).second) return;
  order_.push_back(std::move(term));
}

void TermSet::add(const TermSet& other) {
  for (TermKey& term : other.terms()) add(std::move(term));
}

void TermSet::remove(const TermSet& other) {
  for (const TermKey& term : other.terms()) places_.erase(term);
}

std::vector<TermKey> TermSet::terms() const {
  std::vector<TermKey> terms;
  for (std::size_t i = 0; i < order_.size(); ++i) {
    const auto place = places_.find(order_[i]);
    if (place != places_.end() && place->second == i) terms.push_back(order_[i]);
  }
  return terms;
}

TermSet interactions(const TermSet& a, const TermSet& b, std::size_t most) {
  TermSet products;
  const std::vector<TermKey> right = b.terms();
  for (const TermKey& term : a.terms()) {
    for (const TermKey& other : right) {
      products.add(joined(term, other));
      if (products.size() > most) return products;
    }
  }
  return products;
}

TermSet nested(const TermSet& a, const TermSet& b) {
  TermSet terms = a;
  const TermKey all = all_variables(a);
  for (const TermKey& term : b.terms()) terms.add(joined(all, term));
  return terms;
}

TermSet within(const TermSet& a, const TermSet& b) {
  TermSet terms;
  const TermKey all = all_variables(b);
  for (const TermKey& term : a.terms()) terms.add(joined(term, all));
  return terms;
}

}  // namespace vfe
