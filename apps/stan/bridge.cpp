// What `vfe stan build` compiles together with the class that stanc makes of a Stan program: the C interface
// of BridgeStan 2.9 (Roualdes et al. 2023, JOSS 8(87), 5236; its src/bridgestan.h documents every function).
// bridge_r.cpp follows in the same file. No part of the library vfe, and in need of Stan's headers alone.
//   stanc --o=model.hpp model.stan; g++ -shared -fPIC -include model.hpp stan_bridge.cpp ...
//
// Beyond that interface: several threads may use one model at once; what the program prints arrives in whole
// lines, those of different threads never mixed; where a generated quantity cannot be computed,
// bs_param_constrain fails but has set all those before it (others are NaN).
#include <tbb/global_control.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <limits>
#include <memory>
#include <mutex>
#include <ostream>
#include <sstream>
#include <stan/io/chained_var_context.hpp>
#include <stan/io/empty_var_context.hpp>
#include <stan/io/json/json_data.hpp>
#include <stan/io/random_var_context.hpp>
#include <stan/math.hpp>
#include <stan/model/model_base.hpp>
#include <stan/services/util/create_rng.hpp>
#include <stan/version.hpp>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <vector>

/// The class that stanc made. Defined in the generated code.
stan::model::model_base& new_model(stan::io::var_context& data, unsigned int seed, std::ostream* messages);

namespace {

using Print = void (*)(const char* text, std::size_t size);

std::mutex print_mutex;
Print print_callback = nullptr;

/// Hands over what is written to it in whole lines.
class LineBuffer : public std::streambuf {
 public:
  /// The last line, which the program may have left open.
  void finish() {
    if (!line_.empty()) overflow('\n');
  }

 protected:
  int_type overflow(int_type character) override {
    if (traits_type::eq_int_type(character, traits_type::eof())) return traits_type::not_eof(character);
    line_.push_back(traits_type::to_char_type(character));
    if (line_.back() == '\n') {
      const std::lock_guard<std::mutex> lock(print_mutex);
      if (print_callback != nullptr) {
        print_callback(line_.data(), line_.size());
      } else {
        std::cout << line_ << std::flush;
      }
      line_.clear();
    }
    return character;
  }

 private:
  std::string line_;
};

/// Readies the calling thread for the program, for the length of one call: a stack for automatic
/// differentiation, a stream for its messages.
class Call {
 public:
  Call() { static thread_local stan::math::ChainableStack stack; }
  ~Call() { buffer().finish(); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  std::ostream* messages() {
    static thread_local std::ostream stream(&buffer());
    return &stream;
  }

 private:
  static LineBuffer& buffer() {
    static thread_local LineBuffer buffer;
    return buffer;
  }
};

void put_error(char** error, const char* text) {
  if (error != nullptr) *error = strdup(text);
}

/// Runs `work`; no exception leaves it. 0, or -1 with `error` set.
template <class Work>
int guarded(char** error, const Work& work) {
  try {
    work();
    return 0;
  } catch (const std::exception& exception) {
    put_error(error, exception.what());
  } catch (...) {
    put_error(error, "an exception of unknown type");
  }
  return -1;
}

struct Names {
  explicit Names(const std::vector<std::string>& names) : count(static_cast<int>(names.size())) {
    for (const std::string& name : names) {
      if (&name != &names.front()) list += ',';
      list += name;
    }
  }
  std::string list;
  int count;
};

std::unique_ptr<stan::io::var_context> read_data(const char* data) {
  const std::string text = data == nullptr ? "" : data;
  const std::string suffix = ".json";
  if (text.empty()) return std::make_unique<stan::io::empty_var_context>();
  if (text.size() >= suffix.size() && text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0) {
    std::ifstream file(text);
    if (!file.good()) throw std::runtime_error("cannot read " + text);
    return std::make_unique<stan::json::json_data>(file);
  }
  std::istringstream stream(text);
  return std::make_unique<stan::json::json_data>(stream);
}

std::string describe(const stan::model::model_base& model) {
  std::string text =
      "BridgeStan version: 2.9.0 (interface only, by vfe)\nStan version: " + stan::MAJOR_VERSION + '.' +
      stan::MINOR_VERSION + '.' + stan::PATCH_VERSION + "\nStan C++ Defines:\n";
#ifdef STAN_THREADS
  text += "\tSTAN_THREADS=true\n";
#else
  text += "\tSTAN_THREADS=false\n";
#endif
  text += "Stan Compiler Details:\n";
  for (const std::string& line : model.model_compile_info()) text += '\t' + line + '\n';
  return text;
}

}  // namespace

struct bs_rng {
  explicit bs_rng(unsigned int seed) : state(stan::services::util::create_rng(seed, 0)) {}
  decltype(stan::services::util::create_rng(0U, 0U)) state;
};

struct bs_model {
  bs_model(const char* data, unsigned int seed)
      : program(&new_model(*read_data(data), seed, Call().messages())),
        name(program->model_name()),
        info(describe(*program)),
        unconstrained(unconstrained_names()),
        constrained{{constrained_names(false, false), constrained_names(false, true)},
                    {constrained_names(true, false), constrained_names(true, true)}} {}

  Names unconstrained_names() const {
    std::vector<std::string> names;
    program->unconstrained_param_names(names, false, false);
    return Names(names);
  }
  Names constrained_names(bool transformed, bool generated) const {
    std::vector<std::string> names;
    program->constrained_param_names(names, transformed, generated);
    return Names(names);
  }
  Eigen::VectorXd vector(const double* theta) const {
    return Eigen::Map<const Eigen::VectorXd>(theta, unconstrained.count);
  }

  /// The log density as a node of the graph that automatic differentiation walks.
  stan::math::var density(Eigen::Matrix<stan::math::var, Eigen::Dynamic, 1>& theta, bool propto,
                          bool jacobian, std::ostream* messages) const {
    if (propto && jacobian) return program->log_prob_propto_jacobian(theta, messages);
    if (propto) return program->log_prob_propto(theta, messages);
    if (jacobian) return program->log_prob_jacobian(theta, messages);
    return program->log_prob(theta, messages);
  }

  double gradient(const Eigen::VectorXd& theta, bool propto, bool jacobian, std::ostream* messages,
                  Eigen::VectorXd& grad) const {
    const stan::math::nested_rev_autodiff nested;
    Eigen::Matrix<stan::math::var, Eigen::Dynamic, 1> x = theta;
    stan::math::var value = density(x, propto, jacobian, messages);
    stan::math::grad(value.vi_);
    grad = x.adj();
    return value.val();
  }

  /// The derivative of the gradient along `direction`, by central differences of half-width `step`.
  Eigen::VectorXd curvature(const Eigen::VectorXd& theta, const Eigen::VectorXd& direction, double step,
                            bool propto, bool jacobian, std::ostream* messages) const {
    Eigen::VectorXd above, below;
    gradient(theta + step * direction, propto, jacobian, messages, above);
    gradient(theta - step * direction, propto, jacobian, messages, below);
    return (above - below) / (2.0 * step);
  }

  /// Unconstrained parameters: those in `given`, the others uniform between -radius and radius. Throws where
  /// none of `tries` has a finite density and gradient.
  Eigen::VectorXd initialize(const stan::io::var_context& given, bs_rng& rng, double radius, int tries,
                             bool jacobian, std::ostream* messages) const {
    std::vector<std::string> names;
    program->get_param_names(names, false, false);
    const auto is_given = [&](const std::string& variable) { return given.contains_r(variable); };
    const bool none = std::none_of(names.begin(), names.end(), is_given);
    if (radius == 0.0 || std::all_of(names.begin(), names.end(), is_given)) tries = std::min(tries, 1);
    std::string why = "no tries allowed";
    for (int attempt = 0; attempt < tries; ++attempt) {
      try {
        stan::io::random_var_context random(*program, rng.state, radius, radius == 0.0);
        const std::vector<double> drawn = random.get_unconstrained();
        Eigen::VectorXd theta = Eigen::Map<const Eigen::VectorXd>(drawn.data(), unconstrained.count);
        if (!none) {
          program->transform_inits(stan::io::chained_var_context(given, random), theta, messages);
        }
        Eigen::VectorXd grad = Eigen::VectorXd::Zero(theta.size());
        const double value = theta.size() == 0 ? 0.0 : gradient(theta, false, jacobian, messages, grad);
        if (std::isfinite(value) && grad.allFinite()) return theta;
        why = std::isfinite(value) ? "the gradient is not finite" : "the log density is not finite";
      } catch (const std::domain_error& error) {  // what a program throws that would have another point
        why = error.what();
      }
    }
    throw std::domain_error("no initial point found in " + std::to_string(tries) +
                            (tries == 1 ? " try: " : " tries: ") + why);
  }

  std::unique_ptr<stan::model::model_base> program;
  std::string name, info;
  Names unconstrained;
  Names constrained[2][2];  ///< with transformed parameters, with generated quantities
};

#define VFE_EXPORT __attribute__((visibility("default")))

extern "C" {

VFE_EXPORT extern const int bs_major_version = 2;
VFE_EXPORT extern const int bs_minor_version = 9;
VFE_EXPORT extern const int bs_patch_version = 0;

VFE_EXPORT bs_model* bs_model_construct(const char* data, unsigned int seed, char** error) {
  bs_model* model = nullptr;
  guarded(error, [&] {
    // One worker: the order in which reduce_sum adds must not depend on how many threads happen to be free,
    // and the threads of this process belong to its owner.
    static const tbb::global_control one_worker(tbb::global_control::max_allowed_parallelism, 1);
    model = new bs_model(data, seed);
  });
  return model;
}

VFE_EXPORT void bs_model_destruct(bs_model* model) {
  delete model;
}

VFE_EXPORT void bs_free_error_msg(char* error) {
  std::free(error);
}

VFE_EXPORT const char* bs_name(const bs_model* model) {
  return model->name.c_str();
}

VFE_EXPORT const char* bs_model_info(const bs_model* model) {
  return model->info.c_str();
}

VFE_EXPORT const char* bs_param_names(const bs_model* model, bool transformed, bool generated) {
  return model->constrained[transformed][generated].list.c_str();
}

VFE_EXPORT const char* bs_param_unc_names(const bs_model* model) {
  return model->unconstrained.list.c_str();
}

VFE_EXPORT int bs_param_num(const bs_model* model, bool transformed, bool generated) {
  return model->constrained[transformed][generated].count;
}

VFE_EXPORT int bs_param_unc_num(const bs_model* model) {
  return model->unconstrained.count;
}

VFE_EXPORT int bs_param_constrain(const bs_model* model, bool transformed, bool generated,
                                  const double* theta, double* values, bs_rng* rng, char** error) {
  return guarded(error, [&] {
    if (generated && rng == nullptr) throw std::invalid_argument("generated quantities need random numbers");
    bs_rng unused(0);
    Call call;
    Eigen::VectorXd unconstrained = model->vector(theta), constrained;
    const auto copy = [&] {
      if (constrained.size() == model->constrained[transformed][generated].count) {
        Eigen::Map<Eigen::VectorXd>(values, constrained.size()) = constrained;
      }
    };
    try {
      model->program->write_array(rng == nullptr ? unused.state : rng->state, unconstrained, constrained,
                                  transformed, generated, call.messages());
    } catch (...) {
      copy();
      throw;
    }
    copy();
  });
}

VFE_EXPORT int bs_param_unconstrain(const bs_model* model, const double* values, double* theta,
                                    char** error) {
  return guarded(error, [&] {
    Call call;
    const Eigen::VectorXd constrained =
        Eigen::Map<const Eigen::VectorXd>(values, model->constrained[false][false].count);
    Eigen::VectorXd unconstrained;
    model->program->unconstrain_array(constrained, unconstrained, call.messages());
    Eigen::Map<Eigen::VectorXd>(theta, unconstrained.size()) = unconstrained;
  });
}

VFE_EXPORT int bs_param_unconstrain_json(const bs_model* model, const char* json, double* theta,
                                         char** error) {
  return guarded(error, [&] {
    Call call;
    std::istringstream stream(json);
    const stan::json::json_data values(stream);
    Eigen::VectorXd unconstrained;
    model->program->transform_inits(values, unconstrained, call.messages());
    Eigen::Map<Eigen::VectorXd>(theta, unconstrained.size()) = unconstrained;
  });
}

VFE_EXPORT int bs_param_initialize(const bs_model* model, const char* json, bs_rng* rng, double radius,
                                   int tries, bool jacobian, double* theta, char** error) {
  return guarded(error, [&] {
    if (rng == nullptr) throw std::invalid_argument("initial points need random numbers");
    if (!(radius >= 0.0)) throw std::invalid_argument("the radius of initial points must not be negative");
    Call call;
    std::istringstream stream(json == nullptr || *json == '\0' ? "{}" : json);
    const stan::json::json_data given(stream);
    const Eigen::VectorXd found = model->initialize(given, *rng, radius, tries, jacobian, call.messages());
    Eigen::Map<Eigen::VectorXd>(theta, found.size()) = found;
  });
}

VFE_EXPORT int bs_log_density(const bs_model* model, bool propto, bool jacobian, const double* theta,
                              double* value, char** error) {
  return guarded(error, [&] {
    Call call;
    if (propto) {
      // Of plain numbers Stan drops every term as constant.
      const stan::math::nested_rev_autodiff nested;
      Eigen::Matrix<stan::math::var, Eigen::Dynamic, 1> x = model->vector(theta);
      *value = model->density(x, propto, jacobian, call.messages()).val();
      return;
    }
    Eigen::VectorXd x = model->vector(theta);
    *value = jacobian ? model->program->log_prob_jacobian(x, call.messages())
                      : model->program->log_prob(x, call.messages());
  });
}

VFE_EXPORT int bs_log_density_gradient(const bs_model* model, bool propto, bool jacobian, const double* theta,
                                       double* value, double* gradient, char** error) {
  return guarded(error, [&] {
    Call call;
    Eigen::VectorXd grad;
    *value = model->gradient(model->vector(theta), propto, jacobian, call.messages(), grad);
    Eigen::Map<Eigen::VectorXd>(gradient, grad.size()) = grad;
  });
}

// Differences of gradients, with Stan's own steps, as in a BridgeStan that was built without
// BRIDGESTAN_AD_HESSIAN: not every program can be differentiated twice.
VFE_EXPORT int bs_log_density_hessian(const bs_model* model, bool propto, bool jacobian, const double* theta,
                                      double* value, double* gradient, double* hessian, char** error) {
  return guarded(error, [&] {
    Call call;
    const Eigen::VectorXd x = model->vector(theta);
    Eigen::VectorXd grad;
    *value = model->gradient(x, propto, jacobian, call.messages(), grad);
    Eigen::MatrixXd columns(x.size(), x.size());
    for (Eigen::Index i = 0; i < x.size(); ++i) {
      const double step = std::cbrt(std::numeric_limits<double>::epsilon()) * std::max(1.0, std::abs(x[i]));
      columns.col(i) =
          model->curvature(x, Eigen::VectorXd::Unit(x.size(), i), step, propto, jacobian, call.messages());
    }
    Eigen::Map<Eigen::VectorXd>(gradient, x.size()) = grad;
    Eigen::Map<Eigen::MatrixXd>(hessian, x.size(), x.size()) = 0.5 * (columns + columns.transpose());
  });
}

VFE_EXPORT int bs_log_density_hessian_vector_product(const bs_model* model, bool propto, bool jacobian,
                                                     const double* theta, const double* vector, double* value,
                                                     double* product, char** error) {
  return guarded(error, [&] {
    Call call;
    const Eigen::VectorXd x = model->vector(theta), direction = model->vector(vector);
    Eigen::VectorXd along;
    *value = model->gradient(x, propto, jacobian, call.messages(), along);
    const double norm = direction.norm();
    if (norm == 0.0) {
      along.setZero();
    } else {
      const double step = std::sqrt(std::numeric_limits<double>::epsilon()) * (1.0 + x.norm()) / norm;
      along = model->curvature(x, direction, step, propto, jacobian, call.messages());
    }
    Eigen::Map<Eigen::VectorXd>(product, x.size()) = along;
  });
}

VFE_EXPORT bs_rng* bs_rng_construct(unsigned int seed, char** error) {
  bs_rng* rng = nullptr;
  guarded(error, [&] { rng = new bs_rng(seed); });
  return rng;
}

VFE_EXPORT void bs_rng_destruct(bs_rng* rng) {
  delete rng;
}

VFE_EXPORT int bs_set_print_callback(Print callback, char**) {
  const std::lock_guard<std::mutex> lock(print_mutex);
  print_callback = callback;
  return 0;
}

}  // extern "C"
