#include "vfe/model/model.hpp"

#include <omp.h>

#include <algorithm>

#include "vfe/model/likelihood_sums.hpp"

namespace vfe {

double radius(Reach reach) {
  return reach == Reach::near ? 2.0 : 6.0;
}

Spread Model::spread() const {
  return Spread::blocks;
}

Index Model::first_block() const {
  return -1;
}

void Model::add_likelihood(const BatchBlocks& blocks, ConstMat theta, LikelihoodSums& sums) const {
  const BlockRange& of_rank = sums.own_draws();
#pragma omp parallel num_threads(sums.num_threads())
  {
    const int thread = omp_get_thread_num();
    // Threads share out what ranks share out.
    if (spread() == Spread::blocks) {
#pragma omp for schedule(dynamic)
      for (Index k = 0; k < blocks.count; ++k) sums.add(thread, *this, blocks[k], theta, of_rank);
    } else {
      BlockRange own = shard(of_rank.size(), thread, omp_get_num_threads());
      own.first += of_rank.first;
      own.last += of_rank.first;
      for (Index k = 0; k < blocks.count && own.size() > 0; ++k)
        sums.add(thread, *this, blocks[k], theta, own);
    }
  }
}

std::optional<Prediction> Model::predict(Index, ConstMat, const Address&, bool) const {
  return std::nullopt;
}

Vector Model::draw_start(const Address& at, Reach reach) const {
  return parameters().draw_over_domain(at, radius(reach));
}

bool Model::has_scales() const {
  return std::ranges::any_of(parameters().list(), [](const Parameter& parameter) {
    return parameter.transform == Transform::positive;
  });
}

bool Model::log_likelihood_rows(Index, ConstVec, Vec) const {
  return false;
}

std::vector<Parameter> Model::log_prior_terms() const {
  return {};
}

void Model::compute_log_prior_terms(ConstMat, Mat) const {}

std::string Model::explain(Index, ConstVec) const {
  return {};
}

const std::vector<Parameter>& Model::quantities() const {
  return parameters().list();
}

Index Model::num_judged() const {
  return num_constrained(quantities());
}

void Model::compute_quantities(ConstMat theta, std::uint64_t, std::uint32_t, Mat values) const {
  for (Index s = 0; s < theta.cols(); ++s) parameters().constrain(theta.col(s), values.col(s));
}

}  // namespace vfe
