#pragma once
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace vfe {

/// Damages bytes at random, the same way whenever its seed is the same.
class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool one_in(std::uint64_t times) { return below(times) == 0; }
  template <class T>
  const T& one_of(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }

  /// One of the seeds after none to eight changes: bits, bytes, numbers and words replaced, pieces cut out,
  /// repeated, moved and taken from other seeds. `words` mean something to who reads the bytes.
  std::string mutated(const std::vector<std::string>& seeds, const std::vector<std::string>& words);
  /// A number that programs forget, as text.
  std::string odd_number();

 private:
  void change(std::string& bytes, const std::vector<std::string>& seeds,
              const std::vector<std::string>& words);
  void replace_number(std::string& bytes);

  std::mt19937_64 random_;
};

}  // namespace vfe
