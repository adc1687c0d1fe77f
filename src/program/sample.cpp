#include "vfe/program/sample.hpp"

#include <set>

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

OwnedDraws sample_of(const ResultFile& file) {
  return {.theta = file.arrays.at(theta_name),
          .gradient = {},
          .log_joint = file.arrays.at(joint_name).reshaped(),
          .log_weight = file.arrays.at(weight_name).reshaped()};
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
  for (const auto& [name, field] : vectors) moments.*field = file.arrays.at(name).reshaped();
  for (const auto& [name, field] : matrices) moments.*field = file.arrays.at(name);
  return moments;
}

}  // namespace vfe
