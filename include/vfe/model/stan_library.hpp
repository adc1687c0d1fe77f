#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "vfe/core/parameters.hpp"
#include "vfe/core/random.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// A Stan program compiled into a shared library with the C interface of BridgeStan 2 (Roualdes et al. 2023,
/// JOSS 8(87), 5236), loaded into this process: what it does, this process does.
class StanLibrary {
 public:
  /// Throws Fault::missing where there is no file; Fault::data where it is no shared library, of another
  /// major version of the interface, or lacks a symbol (named).
  explicit StanLibrary(const std::filesystem::path& file);
  ~StanLibrary();
  StanLibrary(const StanLibrary&) = delete;
  StanLibrary& operator=(const StanLibrary&) = delete;

  const std::string& file() const;
  /// Whether several threads may use it at once: it says that it was built with STAN_THREADS. Known from the
  /// first StanProgram on.
  bool thread_safe() const;
  /// What the program prints goes there, a line at a time; without it, and where the library is too old to
  /// tell (BridgeStan below 2.1), to stdout. One receiver for all programs of the library; called from any
  /// thread, one at a time.
  void on_print(std::function<void(const std::string& line)> receiver) const;

 private:
  friend class StanProgram;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// A Stan program with its data: a log density over its unconstrained parameters.
class StanProgram {
 public:
  /// Runs the program's data blocks on `json` (data as Stan's JSON; "" for none). `seed` is for random
  /// numbers of the block "transformed data". Throws Fault::data with what Stan says, in one line, and the
  /// name of `json` before it.
  StanProgram(const StanLibrary& library, const std::string& json, const std::string& json_name,
              std::uint64_t seed = 1);
  ~StanProgram();
  StanProgram(StanProgram&&) noexcept;

  const std::string& name() const;  ///< of the program
  Index size() const;               ///< of the unconstrained parameters
  /// Names of the unconstrained coordinates, gathered: beta.1, beta.2 are a parameter `beta` of one axis of
  /// two labels "1", "2". All transforms are the identity: constraining is the program's own business.
  const Parameters& unconstrained() const;
  /// Parameters, transformed parameters and generated quantities with Stan's names and shapes; axes are named
  /// <name>_dim_0, ... and labelled from 1, as Stan counts. Those without entries are left out. Complex and
  /// tuple variables have their parts' names ("z.real", "t:1") for names.
  const std::vector<Parameter>& quantities() const;
  /// Entries of the quantities that are functions of the parameters, and come first: all but the generated
  /// ones.
  Index num_deterministic() const;

  /// The log density with constants and Jacobian [nats], and its gradient, set (grad may be empty: value
  /// only). False where Stan threw: they are then NaN, and `why`, where given, says what. From several
  /// threads at once; those of a library that is not thread-safe wait for one another.
  bool log_density(ConstVec theta, double& value, Vec grad, std::string* why = nullptr) const;
  /// Sets all quantities, concatenated in their order, each row-major. Random numbers are those of `seed`.
  /// False where Stan threw; what could not be computed is then NaN.
  bool compute_quantities(ConstVec theta, std::uint32_t seed, Vec values) const;
  /// A point drawn over the parameters' whole domain, unconstrained. A coordinate is bounded where a
  /// parameter stands still at both of its ends: the parameter is then uniform between them, others being in
  /// the middle (an interval; the share that a simplex breaks off; a partial correlation). The other
  /// coordinates are uniform on (-radius, radius).
  Vector draw_over_domain(const Address& at, double radius) const;
  /// Whether some parameter stands still at the lower end of its coordinate alone, as what is positive does.
  bool has_scales() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vfe
