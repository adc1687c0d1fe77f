#include "vfe/model/stan.hpp"

#include <fmt/format.h>

#include <mutex>
#include <optional>
#include <utility>

#include "model/json_depth.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

/// Log densities of a program at some theta, and their gradients unless nobody asked.
struct Densities {
  Matrix theta;
  Vector value;
  Matrix grad;
};

Densities evaluate(const StanProgram& program, ConstMat theta, bool with_gradient) {
  Densities densities{theta, Vector(theta.cols()), Matrix(with_gradient ? theta.rows() : 0, theta.cols())};
  for (Index s = 0; s < theta.cols(); ++s) {
    program.log_density(theta.col(s), densities.value[s], densities.grad.col(s));
  }
  return densities;
}

}  // namespace

struct StanModel::Impl {
  std::shared_ptr<const StanLibrary> library;
  std::vector<StanProgram> programs;               // of the blocks
  std::vector<Index> rows;                         // of the blocks
  std::optional<StanProgram> without_rows;         // the prior; none of a whole program
  mutable std::mutex mutex;                        // guards `prior`
  mutable std::shared_ptr<const Densities> prior;  // the last one computed

  const StanProgram& first() const { return without_rows ? *without_rows : programs.front(); }

  /// The densities of the program without rows. All blocks of a call ask for the same ones, so they are kept.
  std::shared_ptr<const Densities> prior_at(ConstMat theta, bool with_gradient) const {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      if (prior && prior->theta.cols() == theta.cols() && (prior->grad.rows() > 0) == with_gradient &&
          prior->theta == theta) {
        return prior;
      }
    }
    auto found = std::make_shared<const Densities>(evaluate(*without_rows, theta, with_gradient));
    const std::lock_guard<std::mutex> lock(mutex);
    prior = found;
    return found;
  }
};

StanModel::StanModel(std::shared_ptr<const StanLibrary> library, const std::string& json,
                     const std::string& json_name) {
  auto impl = std::make_unique<Impl>();
  impl->library = std::move(library);
  check_json_depth(json, json_name);
  impl->programs.emplace_back(*impl->library, json, json_name);
  impl->rows = {1};
  impl_ = std::move(impl);
}

StanModel::StanModel(std::shared_ptr<const StanLibrary> library, const StanData& data, const Blocks& blocks,
                     const BlockRange& own) {
  auto impl = std::make_unique<Impl>();
  impl->library = std::move(library);
  const std::string& size = data.shard().size;
  try {
    impl->without_rows.emplace(*impl->library, data.part(0, 0),
                               fmt::format("{} with {} = 0", data.name(), size));
  } catch (const Error& error) {
    throw Error(error.fault(),
                fmt::format("{}; shards need the program without rows as well, and all its variables "
                            "that have rows in shard.rows",
                            error.what()));
  }
  const Index coordinates = impl->without_rows->size();
  for (Index b = own.first; b < own.last; ++b) {
    const Index first = blocks.first(b), last = blocks.last(b);
    impl->programs.emplace_back(
        *impl->library, data.part(first, last),
        fmt::format("{}, rows {} to {} in the order of blocks", data.name(), first, last - 1));
    impl->rows.push_back(last - first);
    const Index found = impl->programs.back().size();
    if (found != coordinates) {
      throw Error(
          Fault::data,
          fmt::format("{}: Stan program {} cannot be cut into shards: with {} = {} it has {} "
                      "unconstrained parameters, with {} = 0 it has {}",
                      data.name(), impl->library->file(), size, last - first, found, size, coordinates));
    }
  }
  impl_ = std::move(impl);
}

StanModel::~StanModel() = default;

const std::string& StanModel::program_name() const {
  return impl_->first().name();
}

const Parameters& StanModel::parameters() const {
  return impl_->first().unconstrained();
}

Spread StanModel::spread() const {
  return impl_->without_rows ? Spread::blocks : Spread::draws;
}

Index StanModel::blocks() const {
  return static_cast<Index>(impl_->programs.size());
}

Index StanModel::rows(Index block) const {
  return impl_->rows[static_cast<std::size_t>(block)];
}

void StanModel::log_prior(ConstMat theta, Vec value, Mat grad) const {
  if (!impl_->without_rows) return;
  const std::shared_ptr<const Densities> prior = impl_->prior_at(theta, grad.cols() > 0);
  value += prior->value;
  if (grad.cols() > 0) grad += prior->grad;
}

void StanModel::log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const {
  const bool with_gradient = grad.cols() > 0;
  Densities own = evaluate(impl_->programs[static_cast<std::size_t>(block)], theta, with_gradient);
  if (impl_->without_rows) {
    const std::shared_ptr<const Densities> prior = impl_->prior_at(theta, with_gradient);
    own.value -= prior->value;
    if (with_gradient) own.grad -= prior->grad;
  }
  value += own.value;
  if (with_gradient) grad += own.grad;
}

Vector StanModel::draw_start(const Address& at, Reach reach) const {
  return impl_->first().draw_over_domain(at, radius(reach));
}

bool StanModel::has_scales() const {
  return impl_->first().has_scales();
}

std::string StanModel::explain(Index block, ConstVec theta) const {
  if (block < 0 && !impl_->without_rows) return {};
  std::string why;
  double value = 0.0;
  Vector grad(theta.size());
  const StanProgram& program =
      block < 0 ? *impl_->without_rows : impl_->programs[static_cast<std::size_t>(block)];
  if (program.log_density(theta, value, grad, &why) && impl_->without_rows) {
    impl_->without_rows->log_density(theta, value, grad, &why);
  }
  return why;
}

const std::vector<Parameter>& StanModel::quantities() const {
  return impl_->first().quantities();
}

Index StanModel::num_judged() const {
  return impl_->first().num_deterministic();
}

void StanModel::compute_quantities(ConstMat theta, std::uint64_t seed, std::uint32_t first_draw,
                                   Mat values) const {
  for (Index s = 0; s < theta.cols(); ++s) {
    const Address at{
        .seed = seed, .purpose = Purpose::generated, .draw = first_draw + static_cast<std::uint32_t>(s)};
    impl_->first().compute_quantities(theta.col(s), random_bits(at, 0)[0], values.col(s));
  }
}

}  // namespace vfe
