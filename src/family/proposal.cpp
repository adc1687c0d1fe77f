#include "vfe/family/proposal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "family/packing.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"

namespace vfe {
namespace {

void pack(const Student& student, FlatWriter& out) {
  out.add(student.base);
  out.add(student.nu);
}

Student unpack_student(FlatReader& in) {
  Affine base = in.affine();
  const double nu = in.number();
  Student student{.base = std::move(base), .nu = nu};
  require_valid(student);
  return student;
}

void pack(const Flow& flow, FlatWriter& out) {
  out.add(flow.base());
  out.add(flow.nu());
  out.add(flow.reach());
  out.add_count(flow.squared());
  for (const Index i : flow.order()) out.add_count(i);
  for (const Flow::Conditional& c : flow.conditionals()) {
    out.add(c.quadratic ? 1.0 : 0.0);
    out.add(c.mean);
    out.add(c.log_scale);
    out.add(c.skew);
    out.add(c.log_tail);
  }
}

Flow unpack_flow(FlatReader& in) {
  Affine base = in.affine();
  const double nu = in.number(), reach = in.number();
  const Index squared = in.count();
  std::vector<Index> order;
  for (Index i = 0; i < base.size(); ++i) order.push_back(in.count());
  std::vector<Flow::Conditional> conditionals;
  for (Index i = 0; i < base.size(); ++i) {
    Flow::Conditional c;
    c.quadratic = in.number() != 0.0;
    c.mean = in.vector(Flow::num_mean_coefficients(i, c.quadratic, squared));
    c.log_scale = in.vector(i + 1);
    c.skew = in.number();
    c.log_tail = in.number();
    conditionals.push_back(std::move(c));
  }
  return {std::move(base), std::move(order), std::move(conditionals), nu, reach, squared};
}

Index size_of(const Proposal::Component& component) {
  return std::visit([](const auto& c) { return c.size(); }, component);
}

}  // namespace

Proposal::Proposal(ConstVec packed) {
  FlatReader in(packed, "proposal");
  const Index count = in.count();
  for (Index c = 0; c < count; ++c) {
    const double weight = in.number();
    const auto kind = static_cast<std::size_t>(in.count());
    if (kind == 0) {
      add(weight, unpack_student(in));
    } else {
      add(weight, unpack_flow(in));
    }
  }
  in.expect_end();
}

Vector Proposal::pack() const {
  FlatWriter out;
  out.add_count(num_components());
  for (std::size_t c = 0; c < components_.size(); ++c) {
    out.add(weights_[c]);
    out.add_count(static_cast<Index>(components_[c].index()));
    std::visit([&out](const auto& component) { vfe::pack(component, out); }, components_[c]);
  }
  return out.take();
}

void Proposal::add(double weight, Component component) {
  if (!(weight >= 0.0) || !std::isfinite(weight)) {
    throw Error(Fault::bug, fmt::format("adding to a proposal: found a weight of {}", weight));
  }
  if (const auto* student = std::get_if<Student>(&component)) require_valid(*student);
  if (!components_.empty() && size_of(component) != size()) {
    throw Error(Fault::bug, fmt::format("adding to a proposal of size {}: found a component of size {}",
                                        size(), size_of(component)));
  }
  if (weight == 0.0) return;
  weights_.push_back(weight);
  components_.push_back(std::move(component));
}

void Proposal::add(double weight, const Proposal& mixture) {
  for (Index c = 0; c < mixture.num_components(); ++c) add(weight * mixture.weight(c), mixture.component(c));
}

Index Proposal::size() const {
  return components_.empty() ? 0 : size_of(components_.front());
}

double Proposal::weight(Index component) const {
  return weights_[static_cast<std::size_t>(component)] /
         std::accumulate(weights_.begin(), weights_.end(), 0.0);
}

std::vector<Index> Proposal::counts(Index n) const {
  const auto size = components_.size();
  std::vector<Index> result(size);
  std::vector<double> remainder(size);
  Index left = n;
  for (std::size_t c = 0; c < size; ++c) {
    const double share = weight(static_cast<Index>(c)) * static_cast<double>(n);
    result[c] = std::min(static_cast<Index>(share), left);
    remainder[c] = share - static_cast<double>(result[c]);
    left -= result[c];
  }
  std::vector<std::size_t> order(size);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return remainder[a] > remainder[b]; });
  for (std::size_t k = 0; left > 0 && size > 0; k = (k + 1) % size, --left) ++result[order[k]];
  return result;
}

Proposal Proposal::stratified(Index n) const {
  Proposal result;
  const std::vector<Index> count = counts(n);
  for (std::size_t c = 0; c < components_.size(); ++c) {
    result.add(static_cast<double>(count[c]), components_[c]);
  }
  return result;
}

Matrix Proposal::draw(const Address& at, Index n) const {
  const std::vector<Index> count = counts(n);
  Address where = at;
  where.block = at.block + static_cast<std::uint32_t>(components_.size());
  const std::vector<Index> place = permutation(where, n);
  Matrix theta(size(), n);
  auto next = place.begin();
  for (std::size_t c = 0; c < components_.size(); ++c) {
    where.block = at.block + static_cast<std::uint32_t>(c);
    const Matrix drawn =
        std::visit([&](const auto& component) { return component.draw(where, count[c]); }, components_[c]);
    for (Index s = 0; s < count[c]; ++s) theta.col(*next++) = drawn.col(s);
  }
  return theta;
}

Vector Proposal::log_density(ConstMat theta) const {
  Matrix part(theta.cols(), num_components());
  for (Index c = 0; c < num_components(); ++c) {
    const double log_weight = std::log(weight(c));
    std::visit([&](const auto& k) { part.col(c) = k.log_density(theta).array() + log_weight; }, component(c));
  }
  Vector value(theta.cols());
  for (Index s = 0; s < theta.cols(); ++s) {
    double largest = -infinity, sum = 0.0;
    for (Index c = 0; c < num_components(); ++c) largest = std::max(largest, part(s, c));
    for (Index c = 0; c < num_components() && largest > -infinity; ++c) {
      sum += std::exp(part(s, c) - largest);
    }
    value(s) = largest > -infinity ? largest + std::log(sum) : -infinity;
  }
  return value;
}

}  // namespace vfe
