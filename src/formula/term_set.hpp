#pragma once
#include <cstddef>
#include <unordered_map>
#include <utility>
#include <vector>

namespace vfe {

/// The variables of a term, rising.
using TermKey = std::vector<std::size_t>;

struct TermHash {
  std::size_t operator()(const TermKey& term) const;
};

/// Every variable of either.
TermKey joined(const TermKey& a, const TermKey& b);

/// Terms without repetition, in the order they were added.
class TermSet {
 public:
  TermSet() = default;
  explicit TermSet(TermKey term) { add(std::move(term)); }

  void add(TermKey term);
  void add(const TermSet& other);
  void remove(const TermSet& other);
  std::vector<TermKey> terms() const;
  bool contains(const TermKey& term) const { return places_.contains(term); }
  std::size_t size() const { return places_.size(); }

 private:
  std::vector<TermKey> order_;                                 ///< with those that were removed
  std::unordered_map<TermKey, std::size_t, TermHash> places_;  ///< in order_, of those that were not
};

/// R's operators `:`, `/` and `%in%`.
/// More than `most` interactions are not made: then one too many.
TermSet interactions(const TermSet& a, const TermSet& b, std::size_t most);
TermSet nested(const TermSet& a,
               const TermSet& b);  ///< the terms of b within all variables of a, and a's own
TermSet within(const TermSet& a, const TermSet& b);  ///< those of a, each with all variables of b

}  // namespace vfe
