#include "model/stan_names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string_view>

#include "vfe/core/error.hpp"

namespace vfe {
namespace {

/// "t.1:2.3" is entry (1, 3) of the variable "t:2"; "z.4.real" entry (4) of "z.real".
struct Entry {
  std::string variable;
  std::vector<Index> subscripts;  // from 1
};

Entry parse(std::string_view text) {
  Entry entry;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find_first_of(".:", begin + 1), text.size());
    const std::string_view piece = text.substr(begin, end - begin);
    const bool subscript = piece.size() > 1 && piece.front() == '.' &&
                           piece.find_first_not_of("0123456789", 1) == std::string_view::npos;
    if (subscript) {
      entry.subscripts.push_back(std::stoll(std::string(piece.substr(1))));
    } else {
      entry.variable += piece;
    }
    begin = end;
  }
  return entry;
}

std::vector<std::string_view> split(std::string_view names) {
  std::vector<std::string_view> list;
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(','), names.size());
    list.push_back(names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return list;
}

std::string axis_name(const std::string& variable, std::size_t axis) {
  return fmt::format("{}_dim_{}", variable, axis);
}

/// The entries of one variable, and where they stand in the list of all.
struct Variable {
  std::string name;
  std::vector<std::vector<Index>> subscripts;
  std::vector<std::size_t> places;
};

/// Axes long enough for all entries, or empty-handed false where the entries are no such array.
bool find_sizes(const Variable& variable, std::vector<Index>& sizes) {
  sizes = variable.subscripts.front();
  for (const std::vector<Index>& entry : variable.subscripts) {
    if (entry.size() != sizes.size()) return false;
    for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
      if (entry[axis] < 1) return false;
      sizes[axis] = std::max(sizes[axis], entry[axis]);
    }
  }
  const std::set<std::vector<Index>> distinct(variable.subscripts.begin(), variable.subscripts.end());
  double entries = 1.0;  // of names made up to overflow an integer
  for (const Index size : sizes) entries *= static_cast<double>(size);
  return distinct.size() == variable.subscripts.size() && entries == static_cast<double>(distinct.size());
}

}  // namespace

StanQuantities stan_quantities(const std::string& names, const std::string& library) {
  std::vector<Variable> variables;
  std::map<std::string, std::size_t> number;
  const std::vector<std::string_view> texts = split(names);
  for (std::size_t k = 0; k < texts.size(); ++k) {
    Entry entry = parse(texts[k]);
    const auto [found, is_new] = number.try_emplace(entry.variable, variables.size());
    if (is_new) variables.push_back({entry.variable, {}, {}});
    Variable& variable = variables[found->second];
    variable.subscripts.push_back(std::move(entry.subscripts));
    variable.places.push_back(k);
  }

  StanQuantities quantities;
  quantities.position.resize(texts.size());
  Index first = 0;
  std::vector<Index> sizes;
  for (const Variable& variable : variables) {
    if (!find_sizes(variable, sizes)) {
      throw Error(Fault::data,
                  fmt::format("loading library {}: its names of the {} entries of \"{}\" fill no array",
                              library, variable.places.size(), variable.name));
    }
    Parameter parameter{.name = variable.name};
    for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
      Dimension dimension{axis_name(variable.name, axis), sizes[axis], {}};
      for (Index label = 1; label <= sizes[axis]; ++label) dimension.labels.push_back(std::to_string(label));
      parameter.dimensions.push_back(std::move(dimension));
    }
    for (std::size_t entry = 0; entry < variable.places.size(); ++entry) {
      Index offset = 0;
      for (std::size_t axis = 0; axis < sizes.size(); ++axis) {
        offset = offset * sizes[axis] + variable.subscripts[entry][axis] - 1;
      }
      quantities.position[variable.places[entry]] = first + offset;
    }
    first += static_cast<Index>(variable.places.size());
    quantities.list.push_back(std::move(parameter));
  }
  return quantities;
}

Parameters stan_coordinates(const std::string& names) {
  std::vector<Parameter> list;
  std::set<std::string> used;
  for (const std::string_view text : split(names)) {
    const Entry entry = parse(text);
    const std::string label = fmt::format("{}", fmt::join(entry.subscripts, ","));
    const bool goes_on = !label.empty() && !list.empty() && list.back().name == entry.variable &&
                         !list.back().dimensions.empty();
    if (goes_on) {
      Dimension& axis = list.back().dimensions.front();
      axis.labels.push_back(label);
      ++axis.size;
    } else if (label.empty() || used.contains(entry.variable)) {
      // A scalar, or an entry apart from others of its variable (in an array of tuples): its own full name.
      list.push_back({.name = std::string(text)});
    } else {
      list.push_back({.name = entry.variable, .dimensions = {{axis_name(entry.variable, 0), 1, {label}}}});
    }
    used.insert(entry.variable);
  }
  return Parameters(std::move(list));
}

}  // namespace vfe
