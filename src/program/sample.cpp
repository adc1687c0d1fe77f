#include "vfe/program/sample.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"
#include "vfe/statistics/psis.hpp"

namespace vfe {
namespace {

const std::string theta_name = "sample/theta", joint_name = "sample/log_joint",
                  weight_name = "sample/log_weight";

constexpr std::pair<const char*, Vector Moments::*> vectors[] = {
    {"moments/mean", &Moments::mean},
    {"moments/mean_error", &Moments::mean_error},
    {"moments/sd", &Moments::sd},
    {"moments/sd_error", &Moments::sd_error},
};
constexpr std::pair<const char*, Matrix Moments::*> matrices[] = {
    {"moments/quantiles", &Moments::quantiles},
    {"moments/quantile_errors", &Moments::quantile_errors},
};

const Matrix& array_of(const ResultFile& file, const std::string& name) {
  const auto found = file.arrays.find(name);
  if (found == file.arrays.end()) throw Error(Fault::data, fmt::format("/vfe/{} is missing", name));
  return found->second;
}

void expect_shape(const Matrix& found, const std::string& name, Index rows, Index columns) {
  if (found.rows() == rows && found.cols() == columns) return;
  throw Error(Fault::data, fmt::format("/vfe/{}: found {} x {} numbers, expected {} x {}", name, found.rows(),
                                       found.cols(), rows, columns));
}

}  // namespace

std::vector<Index> draws_of_sample(ConstVec log_weight, Index count, std::uint64_t seed, std::uint32_t step) {
  const Address at{.seed = seed, .purpose = Purpose::resample, .step = step};
  const std::vector<Index> ascending = resample(log_weight, count, uniform(at, 0));
  Address order_at = at;
  order_at.purpose = Purpose::sample_order;
  std::vector<Index> chosen;
  for (const Index s : permutation(order_at, count)) chosen.push_back(ascending[static_cast<std::size_t>(s)]);
  return chosen;
}

double share_repeated(const std::vector<Index>& chosen) {
  const std::set<Index> different(chosen.begin(), chosen.end());
  return 1.0 - static_cast<double>(different.size()) / static_cast<double>(chosen.size());
}

void put_sample(const OwnedDraws& sample, ResultFile& file) {
  file.arrays[theta_name] = sample.theta;
  file.arrays[joint_name] = sample.log_joint;
  file.arrays[weight_name] = sample.log_weight;
}

OwnedDraws sample_of(const ResultFile& file, Index size) {
  const Matrix& theta = array_of(file, theta_name);
  expect_shape(theta, theta_name, size, std::max<Index>(theta.cols(), 1));
  for (const std::string& name : {joint_name, weight_name}) {
    expect_shape(array_of(file, name), name, theta.cols(), 1);
  }
  const Matrix& weight = array_of(file, weight_name);
  if (weight.hasNaN() || !std::isfinite(weight.maxCoeff())) {
    throw Error(Fault::data, fmt::format("/vfe/{}: not all of it are log weights", weight_name));
  }
  return {.theta = theta,
          .gradient = {},
          .log_joint = array_of(file, joint_name).reshaped(),
          .log_weight = weight.reshaped()};
}

bool has_sample(const ResultFile& file) {
  return file.arrays.contains(theta_name);
}

std::vector<double> reported_probabilities() {
  return {0.05, 0.5, 0.95};
}

void put_moments(const Moments& moments, ResultFile& file) {
  for (const auto& [name, field] : vectors) file.arrays[name] = moments.*field;
  for (const auto& [name, field] : matrices) file.arrays[name] = moments.*field;
}

Moments moments_of(const ResultFile& file) {
  Moments moments;
  if (!file.arrays.contains(vectors[0].first)) return moments;
  const Index values = array_of(file, vectors[0].first).size();
  for (const auto& [name, field] : vectors) {
    expect_shape(array_of(file, name), name, values, 1);
    moments.*field = array_of(file, name).reshaped();
  }
  for (const auto& [name, field] : matrices) {
    expect_shape(array_of(file, name), name, std::ssize(reported_probabilities()), values);
    moments.*field = array_of(file, name);
  }
  return moments;
}

}  // namespace vfe
