#include "vfe/model/likelihood_sums.hpp"

#include <algorithm>

namespace vfe {

LikelihoodSums::LikelihoodSums(int num_threads)
    : parts_(static_cast<std::size_t>(std::max(num_threads, 1))) {}

void LikelihoodSums::start(Index size, Index draws, const BlockRange& own, bool gradient) {
  size_ = size;
  draws_ = draws;
  columns_ = gradient ? draws : 0;
  own_ = own;
  thrown_ = {};
  for (Part& part : parts_) part.started = false;
}

// Zeroed by the thread whose part it is.
LikelihoodSums::Part& LikelihoodSums::part(int thread) {
  Part& part = parts_[static_cast<std::size_t>(thread)];
  if (!part.started) {
    part.numbers.resize(draws_ + size_ * columns_);
    part.sum.resize(part.numbers.size());
    part.started = true;
  }
  return part;
}

Eigen::Map<Matrix> LikelihoodSums::gradient(Part& part) const {
  return {part.numbers.data() + draws_, size_, columns_};
}

void LikelihoodSums::add(int thread, const Model& model, Index block, ConstMat theta,
                         const BlockRange& draws) {
  try {
    Part& own = part(thread);
    own.numbers.setZero();
    const bool with_gradient = columns_ > 0;
    model.log_likelihood(
        block, theta.middleCols(draws.first, draws.size()), own.numbers.segment(draws.first, draws.size()),
        gradient(own).middleCols(with_gradient ? draws.first : 0, with_gradient ? draws.size() : 0));
    own.sum.add(own.numbers.data());
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!thrown_.exception || block < thrown_.block) thrown_ = {std::current_exception(), block};
  }
}

ExactSum& LikelihoodSums::of_thread(int thread) {
  return part(thread).sum;
}

ExactSum& LikelihoodSums::total() {
  ExactSum& total = of_thread(0);
  total.normalise();
  for (std::size_t t = 1; t < parts_.size(); ++t) {
    if (!parts_[t].started) continue;  // it had nothing to do
    parts_[t].sum.normalise();
    total.add(parts_[t].sum);
    parts_[t].started = false;
  }
  total.normalise();
  return total;
}

void LikelihoodSums::read(Vec value, Mat grad) {
  Part& first = part(0);
  first.sum.value(first.numbers.data());
  value = first.numbers.head(draws_);
  if (grad.cols() > 0) grad = gradient(first);
}

}  // namespace vfe
