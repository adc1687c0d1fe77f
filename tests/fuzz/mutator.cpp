#include "fuzz/mutator.hpp"

#include <algorithm>
#include <cstring>

namespace vfe {
namespace {

constexpr std::size_t longest = std::size_t{1} << 20;
const std::string digits = "0123456789";

}  // namespace

std::string Mutator::odd_number() {
  static const std::vector<std::string> numbers = {"0",
                                                   "-0.0",
                                                   "1",
                                                   "-1",
                                                   "2",
                                                   "1e-320",
                                                   "1e308",
                                                   "-1e308",
                                                   "1e999",
                                                   "nan",
                                                   "-nan",
                                                   "inf",
                                                   "-inf",
                                                   "255",
                                                   "65536",
                                                   "2147483647",
                                                   "-2147483648",
                                                   "4294967296",
                                                   "9007199254740993",
                                                   "9223372036854775807",
                                                   "-9223372036854775808",
                                                   "18446744073709551615",
                                                   "99999999999999999999999",
                                                   "0x10",
                                                   "1_000",
                                                   ".5",
                                                   "1.",
                                                   "1e",
                                                   "+7",
                                                   "00",
                                                   "1,5",
                                                   "0.1e-400"};
  return one_of(numbers);
}

void Mutator::replace_number(std::string& bytes) {
  const std::size_t begin = bytes.find_first_of(digits, below(bytes.size()));
  if (begin == std::string::npos) return;
  const std::size_t end = std::min(bytes.find_first_not_of(digits + ".eE", begin), bytes.size());
  bytes.replace(begin, end - begin, odd_number());
}

void Mutator::change(std::string& bytes, const std::vector<std::string>& seeds,
                     const std::vector<std::string>& words) {
  if (bytes.empty()) bytes = one_of(seeds);
  if (bytes.empty()) bytes = "x";
  const std::size_t at = below(bytes.size());
  const std::size_t left = bytes.size() - at;
  const std::size_t count = 1 + below(std::min<std::size_t>(left, one_in(4) ? left : 16));
  switch (below(12)) {
    case 0:
    case 1:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
      break;
    case 2:
      bytes[at] = static_cast<char>(below(256));
      break;
    case 3:
      bytes.erase(at, count);
      break;
    case 4:
      bytes.insert(below(bytes.size() + 1), bytes.substr(at, count));
      break;
    case 5:
      bytes.replace(at, count, std::string(count, one_in(2) ? '\0' : bytes[at]));
      break;
    case 6: {  // what a header may say of a size, in 1, 2, 4 or 8 bytes
      static const std::vector<std::uint64_t> sizes = {
          0, 1, 255, 65535, std::uint64_t{1} << 31, ~std::uint64_t{0}, std::uint64_t{1} << 40, random_()};
      const std::uint64_t value = one_of(sizes);
      std::memcpy(&bytes[at], &value, std::min<std::size_t>(left, std::size_t{1} << below(4)));
      break;
    }
    case 7: {
      const std::string& other = one_of(seeds);
      if (other.empty()) break;
      const std::size_t from = below(other.size());
      bytes.replace(at, one_in(2) ? 0 : count, other.substr(from, 1 + below(64)));
      break;
    }
    case 8:
      bytes.resize(at);
      break;
    case 9:
      replace_number(bytes);
      break;
    default:
      if (words.empty()) break;
      bytes.replace(at, one_in(2) ? 0 : std::min<std::size_t>(count, 16), one_of(words));
  }
  if (bytes.size() > longest) bytes.resize(longest);
}

std::string Mutator::mutated(const std::vector<std::string>& seeds, const std::vector<std::string>& words) {
  std::string bytes = one_of(seeds);
  const std::uint64_t most = one_in(2) ? 2 : 9;  // few changes reach far, many are refused at once
  for (std::uint64_t changes = below(most); changes > 0; --changes) {
    change(bytes, seeds, words);
  }
  return bytes;
}

}  // namespace vfe
