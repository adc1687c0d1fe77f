#include "vfe/model/plugin.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <exception>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "model/constrained.hpp"
#include "model/shared_library.hpp"
#include "vfe/core/error.hpp"
#include "vfe_model.h"

namespace vfe {
namespace {

constexpr Index max_values = Index{1} << 31;  ///< of all parameters: coordinates have 32 bits elsewhere

std::string trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

// Why a call failed, as the library says.
std::string reason(const char* text) {
  const std::string line = text == nullptr ? "" : one_line(text);
  return line.empty() ? "it does not say why" : line;
}

// A field of a description: up to its NUL, if it has one, without padding.
std::string field(const char (&text)[VFE_MODEL_NAME]) {
  return trimmed({text, std::find(text, text + VFE_MODEL_NAME, '\0')});
}

bool is_identifier(const std::string& name) {
  return !name.empty() && !std::isdigit(static_cast<unsigned char>(name.front())) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.';
         });
}

// The functions of vfe_model.h in a library, and what goes wrong in them in one line each.
class Library {
 public:
  explicit Library(const std::filesystem::path& path) : library_(path) {
    library_.find("vfe_model_abi", abi_);
    const std::int32_t version = abi_();
    if (version != VFE_MODEL_ABI) {
      fail(fmt::format("it is written for version {} of vfe_model.h, expected version {}", version,
                       static_cast<int>(VFE_MODEL_ABI)));
    }
    library_.find("vfe_model_start", start_);
    library_.find("vfe_model_parameter", parameter_);
    library_.find("vfe_model_open", open_);
    library_.find("vfe_model_prior", prior_);
    library_.find("vfe_model_likelihood", likelihood_);
    library_.find("vfe_model_close", close_);
    library_.find("vfe_model_error", error_);
  }

  Parameters start(const std::string& options, Index num_columns) const {
    std::int64_t count = 0;
    if (const auto why = failure([&] { return start_(options.c_str(), num_columns, &count); })) {
      fail(fmt::format("it refuses to start (vfe_model_start): {}", *why));
    }
    std::vector<Parameter> list;
    Index values = 0;
    for (std::int64_t p = 0; p < count; ++p) {
      list.push_back(describe(p));
      values += list.back().num_constrained();
      if (values > max_values) {
        fail(fmt::format("with parameter {} (\"{}\") it describes more than {} values", p, list.back().name,
                         max_values));
      }
    }
    try {
      Parameters parameters(std::move(list));
      if (parameters.size() == 0) fail("it describes no parameters");
      return parameters;
    } catch (const Error& error) {
      if (error.fault() == Fault::data) throw;
      fail(error.what());
    }
  }

  void* open(const vfe_rows& rows, Index block) const {
    void* opened = nullptr;
    if (const auto why = failure([&] { return open_(&rows, &opened); })) {
      fail(fmt::format("it refuses to open block {} (vfe_model_open): {}", block, *why));
    }
    return opened;
  }
  void close(void* block) const { close_(block); }

  auto prior() const {
    return [this](Index draws, const double* x, double* value, double* grad) {
      return prior_(draws, x, value, grad);
    };
  }
  auto likelihood(void* block) const {
    return [this, block](Index draws, const double* x, double* value, double* grad) {
      return likelihood_(block, draws, x, value, grad);
    };
  }

  /// Runs a call; why it failed, or nothing. A library in C++ may throw, which is a failure like another.
  template <class Call>
  std::optional<std::string> failure(const Call& call) const {
    try {
      if (call() == 0) return std::nullopt;
      return reason(error_());
    } catch (const std::exception& thrown) {
      return reason(thrown.what());
    }
  }

 private:
  [[noreturn]] void fail(const std::string& found) const {
    throw Error(Fault::data, fmt::format("loading library {}: {}", library_.file(), found));
  }

  Parameter describe(std::int64_t index) const {
    vfe_parameter described{};
    if (const auto why = failure([&] { return parameter_(index, &described); })) {
      fail(fmt::format("it does not describe parameter {} (vfe_model_parameter): {}", index, *why));
    }
    Parameter parameter{.name = field(described.name), .lower = described.lower, .upper = described.upper};
    const auto refuse = [&](const std::string& found) {
      fail(fmt::format("parameter {} (\"{}\"): {}", index, parameter.name, found));
    };
    if (!is_identifier(parameter.name)) {
      refuse("found this name, expected letters, digits, \"_\" and \".\", a digit not first");
    }
    if (described.num_dimensions < 0 || described.num_dimensions > VFE_MODEL_MAX_DIMENSIONS) {
      refuse(fmt::format("found {} dimensions, expected 0 to {}", described.num_dimensions,
                         static_cast<int>(VFE_MODEL_MAX_DIMENSIONS)));
    }
    Index values = 1;
    for (std::int64_t axis = 0; axis < described.num_dimensions; ++axis) {
      const Index size = described.dimensions[axis];
      if (size < 1 || size > max_values / values) {
        refuse(fmt::format("found {} as size of axis {}, expected at least 1, and at most {} values in all",
                           size, axis, max_values));
      }
      values *= size;
      parameter.dimensions.push_back({fmt::format("{}_dim_{}", parameter.name, axis), size, {}});
    }
    const std::string transform = field(described.transform);
    try {
      if (!transform.empty()) parameter.transform = transform_from_string(transform);
    } catch (const Error& error) {
      refuse(error.what());
    }
    return parameter;
  }

  SharedLibrary library_;
  decltype(&vfe_model_abi) abi_ = nullptr;
  decltype(&vfe_model_start) start_ = nullptr;
  decltype(&vfe_model_parameter) parameter_ = nullptr;
  decltype(&vfe_model_open) open_ = nullptr;
  decltype(&vfe_model_prior) prior_ = nullptr;
  decltype(&vfe_model_likelihood) likelihood_ = nullptr;
  decltype(&vfe_model_close) close_ = nullptr;
  decltype(&vfe_model_error) error_ = nullptr;
};

// A log density of some draws at their constrained values.
struct Density {
  Matrix x;             // num_constrained x S
  Vector log_jacobian;  // S
  Vector value;         // S
  Matrix grad;          // num_constrained x S, or no columns
};

}  // namespace

struct PluginModel::Impl {
  Impl(const std::filesystem::path& path, const std::string& options, Index num_columns)
      : library(path), parameters(library.start(options, num_columns)) {}
  ~Impl() {
    for (void* block : opened) library.close(block);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void lay_out(const RowSource& source);
  void open_blocks();
  void* block(Index b) const { return opened[static_cast<std::size_t>(b)]; }
  template <class Call>
  Density density(const Call& call, ConstMat theta, bool gradient) const;
  template <class Call>
  std::string explain(const Call& call, ConstVec theta) const;

  Library library;
  Parameters parameters;
  Spread spread = Spread::draws;
  Index first_block = 0;
  std::vector<Rows> rows;        // of each block, in double precision; none of a model without data
  std::vector<vfe_rows> layout;  // of each block; points into the rows
  std::vector<void*> opened;     // as many
};

// Reads the blocks, which the library sees in double precision, factors as columns of zeros and ones.
void PluginModel::Impl::lay_out(const RowSource& source) {
  first_block = source.first_block();
  for (Index b = 0; b < source.blocks().num_blocks(); ++b) {
    Rows& block = rows.emplace_back(source.read({b, b + 1}));
    block.x = dense_design(source.schema(), block);
    layout.push_back({.num_rows = block.size(),
                      .num_columns = source.schema().num_columns(),
                      .first_row = block.first_row,
                      .x = std::get<Rows::RowMajor<double>>(block.x).data(),
                      .y = block.y.data(),
                      .offset = block.offset.size() > 0 ? block.offset.data() : nullptr,
                      .weight = block.weight.size() > 0 ? block.weight.data() : nullptr});
  }
}

void PluginModel::Impl::open_blocks() {
  opened.reserve(layout.size());
  for (const vfe_rows& of_block : layout) {
    opened.push_back(library.open(of_block, first_block + static_cast<Index>(opened.size())));
  }
}

template <class Call>
Density PluginModel::Impl::density(const Call& call, ConstMat theta, bool gradient) const {
  const Index n = parameters.num_constrained(), draws = theta.cols();
  Density at{Matrix(n, draws), Vector::Zero(draws), Vector::Zero(draws),
             Matrix::Zero(n, gradient ? draws : 0)};
  constrain_draws(parameters, theta, at.x, at.log_jacobian);
  const auto fails = [&](Index first, Index count) {
    return library
        .failure([&] {
          return call(count, at.x.data() + first * n, at.value.data() + first,
                      gradient ? at.grad.data() + first * n : nullptr);
        })
        .has_value();
  };
  if (draws == 0 || !fails(0, draws)) return at;

  // One bad draw must not spoil the others of its call: which these are depends on the number of ranks.
  at.value.setZero();
  at.grad.setZero();
  for (Index s = 0; s < draws; ++s) {
    if (!fails(s, 1)) continue;
    at.value[s] = std::numeric_limits<double>::quiet_NaN();
    if (gradient) at.grad.col(s).setZero();
  }
  return at;
}

template <class Call>
std::string PluginModel::Impl::explain(const Call& call, ConstVec theta) const {
  const Index n = parameters.num_constrained();
  Vector x(n), grad = Vector::Zero(n);
  parameters.constrain(theta, x);
  double value = 0.0;
  return library.failure([&] { return call(1, x.data(), &value, grad.data()); }).value_or("");
}

PluginModel::PluginModel(const std::filesystem::path& library, const std::string& options) {
  auto impl = std::make_unique<Impl>(library, options, 0);
  impl->layout.push_back({});
  impl->open_blocks();
  impl_ = std::move(impl);
}

PluginModel::PluginModel(const std::filesystem::path& library, const std::string& options,
                         const RowSource& rows) {
  auto impl = std::make_unique<Impl>(library, options, rows.schema().num_columns());
  impl->spread = Spread::blocks;
  impl->lay_out(rows);
  impl->open_blocks();
  impl_ = std::move(impl);
}

PluginModel::~PluginModel() = default;

const Parameters& PluginModel::parameters() const {
  return impl_->parameters;
}

Spread PluginModel::spread() const {
  return impl_->spread;
}

Index PluginModel::blocks() const {
  return static_cast<Index>(impl_->layout.size());
}

Index PluginModel::rows(Index block) const {
  return std::max<Index>(1, impl_->layout[static_cast<std::size_t>(block)].num_rows);
}

Index PluginModel::first_block() const {
  return impl_->first_block;
}

void PluginModel::log_prior(ConstMat theta, Vec value, Mat grad) const {
  const Density prior = impl_->density(impl_->library.prior(), theta, grad.cols() > 0);
  value += prior.value + prior.log_jacobian;
  if (grad.cols() > 0) pull_back_prior(impl_->parameters, theta, prior.grad, grad);
}

void PluginModel::log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const {
  const Density rows = impl_->density(impl_->library.likelihood(impl_->block(block)), theta, grad.cols() > 0);
  value += rows.value;
  if (grad.cols() > 0) pull_back_likelihood(impl_->parameters, theta, rows.grad, grad);
}

std::vector<Parameter> PluginModel::log_prior_terms() const {
  return {{.name = "prior"}};
}

void PluginModel::compute_log_prior_terms(ConstMat theta, Mat values) const {
  values.row(0) = impl_->density(impl_->library.prior(), theta, false).value;
}

std::string PluginModel::explain(Index block, ConstVec theta) const {
  return block < 0 ? impl_->explain(impl_->library.prior(), theta)
                   : impl_->explain(impl_->library.likelihood(impl_->block(block)), theta);
}

}  // namespace vfe
