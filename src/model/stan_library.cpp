#include "vfe/model/stan_library.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <mutex>
#include <utility>

#include "model/shared_library.hpp"
#include "model/stan_names.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"

namespace vfe {
namespace {

using PrintCallback = void (*)(const char* text, std::size_t size);

/// What a library prints, cut into lines for a receiver.
class Lines {
 public:
  void set_receiver(std::function<void(const std::string&)> receiver) {
    const std::lock_guard<std::mutex> lock(mutex_);
    finish();
    receiver_ = std::move(receiver);
  }

  void add(const char* text, std::size_t size) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const char c : std::string_view(text, size)) {
      if (c == '\n') {
        send();
      } else {
        open_line_ += c;
      }
    }
  }

 private:
  void finish() {
    if (!open_line_.empty()) send();
  }

  void send() {
    if (receiver_) receiver_(open_line_);
    open_line_.clear();
  }

  std::mutex mutex_;
  std::function<void(const std::string&)> receiver_;
  std::string open_line_;
};

/// A callback is handed nothing but the text, so each library that prints has one of its own.
constexpr std::size_t max_printing = 64;
std::array<std::atomic<Lines*>, max_printing> printing;

template <std::size_t slot>
void print_to(const char* text, std::size_t size) {
  try {
    if (Lines* lines = printing[slot]) lines->add(text, size);
  } catch (...) {
    // Nothing may be thrown through the library; what it prints is not worth more.
  }
}

template <std::size_t... slots>
constexpr std::array<PrintCallback, sizeof...(slots)> make_callbacks(std::index_sequence<slots...>) {
  return {&print_to<slots>...};
}

constexpr std::array<PrintCallback, max_printing> callbacks =
    make_callbacks(std::make_index_sequence<max_printing>());

std::atomic<std::uint64_t> num_loaded = 0;

}  // namespace

/// The functions of the library, as BridgeStan's bridgestan.h declares them.
struct StanLibrary::Impl {
  struct Model;
  struct Generator;

  explicit Impl(const std::filesystem::path& file) : library(file) {
    if (!library.has("bs_major_version")) {
      throw Error(Fault::data,
                  fmt::format("loading library {}: it lacks bs_major_version: no Stan program built "
                              "by \"vfe stan build\" or BridgeStan 2",
                              library.file()));
    }
    const int* version = nullptr;
    library.find("bs_major_version", version);
    if (*version != 2) {
      throw Error(Fault::data,
                  fmt::format("loading library {}: found version {} of BridgeStan's interface, expected 2",
                              library.file(), *version));
    }
    library.find("bs_model_construct", construct);
    library.find("bs_model_destruct", destruct);
    library.find("bs_free_error_msg", free_error);
    library.find("bs_name", name);
    library.find("bs_model_info", info);
    library.find("bs_param_names", quantity_names);
    library.find("bs_param_num", num_quantities);
    library.find("bs_param_unc_names", coordinate_names);
    library.find("bs_param_unc_num", num_coordinates);
    library.find("bs_param_constrain", constrain);
    library.find("bs_log_density", log_density);
    library.find("bs_log_density_gradient", log_density_gradient);
    library.find("bs_rng_construct", construct_generator);
    library.find("bs_rng_destruct", destruct_generator);
    if (library.has("bs_set_print_callback")) library.find("bs_set_print_callback", set_print_callback);
  }

  ~Impl() {
    if (slot == max_printing) return;
    set_print_callback(nullptr, nullptr);
    lines.set_receiver(nullptr);
    printing[slot] = nullptr;
  }

  /// The text of an error of the library, which is freed.
  std::string take(char* error) const {
    if (error == nullptr) return "no reason given";
    std::string text = one_line(error);
    free_error(error);
    return text;
  }

  /// Runs a call into the library; of one without STAN_THREADS one at a time.
  template <class Call>
  auto in_turn(const Call& call) const {
    std::unique_lock<std::mutex> lock(calls, std::defer_lock);
    if (!thread_safe) lock.lock();
    return call();
  }

  SharedLibrary library;
  Model* (*construct)(const char* data, unsigned int seed, char** error) = nullptr;
  void (*destruct)(Model* model) = nullptr;
  void (*free_error)(char* error) = nullptr;
  const char* (*name)(const Model* model) = nullptr;
  const char* (*info)(const Model* model) = nullptr;
  const char* (*quantity_names)(const Model* model, bool transformed, bool generated) = nullptr;
  int (*num_quantities)(const Model* model, bool transformed, bool generated) = nullptr;
  const char* (*coordinate_names)(const Model* model) = nullptr;
  int (*num_coordinates)(const Model* model) = nullptr;
  int (*constrain)(const Model* model, bool transformed, bool generated, const double* theta, double* values,
                   Generator* generator, char** error) = nullptr;
  int (*log_density)(const Model* model, bool propto, bool jacobian, const double* theta, double* value,
                     char** error) = nullptr;
  int (*log_density_gradient)(const Model* model, bool propto, bool jacobian, const double* theta,
                              double* value, double* grad, char** error) = nullptr;
  Generator* (*construct_generator)(unsigned int seed, char** error) = nullptr;
  void (*destruct_generator)(Generator* generator) = nullptr;
  int (*set_print_callback)(PrintCallback callback, char** error) = nullptr;

  const std::uint64_t number = ++num_loaded;  // of this loading, in this process
  mutable std::mutex calls;
  std::atomic<bool> thread_safe = false;
  Lines lines;
  std::size_t slot = max_printing;  // of `printing`; none
};

StanLibrary::StanLibrary(const std::filesystem::path& file) : impl_(std::make_shared<Impl>(file)) {}
StanLibrary::~StanLibrary() = default;

const std::string& StanLibrary::file() const {
  return impl_->library.file();
}

bool StanLibrary::thread_safe() const {
  return impl_->thread_safe;
}

void StanLibrary::on_print(std::function<void(const std::string& line)> receiver) const {
  if (impl_->set_print_callback == nullptr) return;
  impl_->in_turn([&] {
    if (!receiver) {
      impl_->set_print_callback(nullptr, nullptr);
      impl_->lines.set_receiver(nullptr);
      return;
    }
    for (std::size_t slot = 0; impl_->slot == max_printing && slot < max_printing; ++slot) {
      Lines* nobody = nullptr;
      if (printing[slot].compare_exchange_strong(nobody, &impl_->lines)) impl_->slot = slot;
    }
    if (impl_->slot == max_printing) {
      throw Error(Fault::bug,
                  fmt::format("loading library {}: more than {} libraries that print", file(), max_printing));
    }
    impl_->lines.set_receiver(std::move(receiver));
    impl_->set_print_callback(callbacks[impl_->slot], nullptr);
  });
}

struct StanProgram::Impl {
  using Library = StanLibrary::Impl;

  Impl(std::shared_ptr<Library> from, const std::string& json, const std::string& json_name,
       std::uint64_t seed)
      : library(std::move(from)) {
    // A text that ends so would be taken for the name of a file.
    const std::string data = json.ends_with(".json") ? json + '\n' : json;
    library->in_turn([&] {
      char* error = nullptr;
      model = library->construct(data.c_str(), static_cast<unsigned int>(seed), &error);
      if (model == nullptr) {
        throw Error(Fault::data,
                    fmt::format("{}: Stan program {}: {}", json_name.empty() ? "no data" : json_name,
                                library->library.file(), library->take(error)));
      }
    });
    if (std::string(library->info(model)).find("STAN_THREADS=true") != std::string::npos) {
      library->thread_safe = true;
    }
    try {
      name = library->name(model);
      unconstrained = stan_coordinates(library->coordinate_names(model));
      quantities = stan_quantities(library->quantity_names(model, true, true), library->library.file());
      check_count(library->num_coordinates(model), unconstrained.size());
      check_count(library->num_quantities(model, true, true), static_cast<Index>(quantities.position.size()));
    } catch (...) {
      library->destruct(model);
      throw;
    }
  }

  ~Impl() {
    library->in_turn([&] { library->destruct(model); });
  }

  void check_count(int found, Index names) const {
    if (found == names) return;
    throw Error(Fault::data,
                fmt::format("loading library {}: it counts {} parameters or quantities and names {}",
                            library->library.file(), found, names));
  }

  /// BridgeStan gives a thread its stack for automatic differentiation when it first asks for a gradient, but
  /// solvers of equations need one for values as well.
  void ready_thread(const double* theta) const {
    static thread_local std::vector<std::uint64_t> ready;
    if (!library->thread_safe || std::find(ready.begin(), ready.end(), library->number) != ready.end())
      return;
    double value = 0.0;
    Vector grad(unconstrained.size());
    char* error = nullptr;
    if (library->log_density_gradient(model, false, true, theta, &value, grad.data(), &error) != 0) {
      library->take(error);
    }
    ready.push_back(library->number);
  }

  class AlongCoordinate;
  /// Whether the parameters stand still at the ends of a coordinate.
  struct Ends {
    bool low = false, high = false;
  };
  const std::vector<Ends>& all_ends() const;

  std::shared_ptr<Library> library;
  Library::Model* model = nullptr;
  std::string name;
  Parameters unconstrained;
  StanQuantities quantities;
  mutable std::once_flag ends_known;
  mutable std::vector<Ends> ends;  ///< of every coordinate
};

StanProgram::StanProgram(const StanLibrary& library, const std::string& json, const std::string& json_name,
                         std::uint64_t seed)
    : impl_(std::make_unique<Impl>(library.impl_, json, json_name, seed)) {}
StanProgram::~StanProgram() = default;
StanProgram::StanProgram(StanProgram&&) noexcept = default;

const std::string& StanProgram::name() const {
  return impl_->name;
}

Index StanProgram::size() const {
  return impl_->unconstrained.size();
}

const Parameters& StanProgram::unconstrained() const {
  return impl_->unconstrained;
}

const std::vector<Parameter>& StanProgram::quantities() const {
  return impl_->quantities.list;
}

Index StanProgram::num_deterministic() const {
  return impl_->library->num_quantities(impl_->model, true, false);
}

bool StanProgram::log_density(ConstVec theta, double& value, Vec grad, std::string* why) const {
  const StanLibrary::Impl& library = *impl_->library;
  return library.in_turn([&] {
    char* error = nullptr;
    int failed = 0;
    // A program without parameters has an empty gradient, and nothing to differentiate.
    if (grad.size() > 0) {
      failed =
          library.log_density_gradient(impl_->model, false, true, theta.data(), &value, grad.data(), &error);
    } else {
      impl_->ready_thread(theta.data());
      failed = library.log_density(impl_->model, false, true, theta.data(), &value, &error);
    }
    if (failed == 0) return true;
    value = nan;
    grad.setConstant(nan);
    const std::string text = library.take(error);
    if (why != nullptr) *why = text;
    return false;
  });
}

/// Where the parameters are when one coordinate alone is away from 0.
class StanProgram::Impl::AlongCoordinate {
 public:
  static constexpr double end = 40.0, short_of_it = 36.0;  // beyond which no transform of an interval moves

  AlongCoordinate(const Impl& program, Index i)
      : program_(program), i_(i), theta_(Vector::Zero(program.unconstrained.size())) {
    program.ready_thread(theta_.data());
  }

  /// The parameters, NaN where Stan threw.
  Vector at(double x) {
    const Library& library = *program_.library;
    Vector values = Vector::Constant(library.num_quantities(program_.model, false, false), nan);
    theta_(i_) = x;
    char* error = nullptr;
    if (library.constrain(program_.model, false, false, theta_.data(), values.data(), nullptr, &error) != 0) {
      library.take(error);
      values.setConstant(nan);
    }
    return values;
  }

  /// Whether nothing moves any more at the end of that sign.
  bool stands_still(double sign) {
    constexpr double still = 1e-9;
    const Vector last = at(sign * end), before = at(sign * short_of_it);
    const double scale = 1.0 + (last - at(0.0)).cwiseAbs().maxCoeff();
    return last.size() > 0 && (last - before).cwiseAbs().maxCoeff() <= still * scale;
  }

 private:
  const Impl& program_;
  Index i_;
  Vector theta_;
};

const std::vector<StanProgram::Impl::Ends>& StanProgram::Impl::all_ends() const {
  std::call_once(ends_known, [&] {
    library->in_turn([&] {
      for (Index i = 0; i < unconstrained.size(); ++i) {
        AlongCoordinate along(*this, i);
        ends.push_back({along.stands_still(-1.0), along.stands_still(1.0)});
      }
    });
  });
  return ends;
}

bool StanProgram::has_scales() const {
  return std::ranges::any_of(impl_->all_ends(), [](const auto& ends) { return ends.low && !ends.high; });
}

Vector StanProgram::draw_over_domain(const Address& at, double radius) const {
  constexpr int halvings = 60;
  const std::vector<Impl::Ends>& ends = impl_->all_ends();
  Vector theta(size());
  for (Index i = 0; i < size(); ++i) {
    const double u = uniform(at, static_cast<std::uint32_t>(i));
    theta(i) = radius * (2.0 * u - 1.0);
    if (!ends[static_cast<std::size_t>(i)].low || !ends[static_cast<std::size_t>(i)].high) continue;
    impl_->library->in_turn([&] {
      Impl::AlongCoordinate along(*impl_, i);
      const Vector low = along.at(-Impl::AlongCoordinate::end), high = along.at(Impl::AlongCoordinate::end);
      Index widest = 0;
      if (!((high - low).cwiseAbs().maxCoeff(&widest) > 0.0)) return;
      double below = -Impl::AlongCoordinate::end, above = Impl::AlongCoordinate::end;
      const double wanted = low(widest) + u * (high(widest) - low(widest));
      for (int k = 0; k < halvings; ++k) {
        const double middle = 0.5 * (below + above);
        const bool under = (along.at(middle)(widest) < wanted) == (high(widest) > low(widest));
        (under ? below : above) = middle;
      }
      theta(i) = 0.5 * (below + above);
    });
  }
  return theta;
}

bool StanProgram::compute_quantities(ConstVec theta, std::uint32_t seed, Vec values) const {
  const StanLibrary::Impl& library = *impl_->library;
  const StanQuantities& quantities = impl_->quantities;
  Vector listed = Vector::Constant(static_cast<Index>(quantities.position.size()), nan);
  const bool done = library.in_turn([&] {
    impl_->ready_thread(theta.data());
    char* error = nullptr;
    StanLibrary::Impl::Generator* generator = library.construct_generator(seed, &error);
    if (generator == nullptr) {
      library.take(error);
      return false;
    }
    const auto run = [&](bool transformed, bool generated) {
      error = nullptr;
      const bool good = library.constrain(impl_->model, transformed, generated, theta.data(), listed.data(),
                                          generator, &error) == 0;
      if (!good) library.take(error);
      return good;
    };
    const bool all = run(true, true);
    // What comes first in the list may do without what failed: libraries differ in what they leave.
    if (!all && listed.array().isNaN().all() && !run(true, false)) run(false, false);
    library.destruct_generator(generator);
    return all;
  });
  for (Index k = 0; k < listed.size(); ++k)
    values[quantities.position[static_cast<std::size_t>(k)]] = listed[k];
  return done;
}

}  // namespace vfe
