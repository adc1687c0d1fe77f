#pragma once
#include <memory>
#include <string>
#include <vector>

#include "vfe/core/blocks.hpp"
#include "vfe/model/model.hpp"
#include "vfe/model/stan_data.hpp"
#include "vfe/model/stan_library.hpp"

namespace vfe {

/// A Stan program as a model. Whole: one block, no prior of its own. In blocks of rows: the prior is the
/// program without rows (Jacobian included), a block is the program with its rows less the program without:
/// so prior and Jacobian count once, for any program whose log density is a sum over rows. Its quantities are
/// those of the program without rows: what has an entry for each row is left out, what is made of all rows is
/// made of none.
class StanModel final : public Model {
 public:
  /// The whole program on its JSON. Throws as StanProgram.
  StanModel(std::shared_ptr<const StanLibrary> library, const std::string& json,
            const std::string& json_name);
  /// In blocks of the data's rows, of which this rank holds `own`; none is a model of the prior alone. Throws
  /// as StanProgram; where the program cannot be had without rows, says so.
  StanModel(std::shared_ptr<const StanLibrary> library, const StanData& data, const Blocks& blocks,
            const BlockRange& own);
  ~StanModel() override;

  const std::string& program_name() const;
  const Parameters& parameters() const override;
  Spread spread() const override;  ///< a whole program is on every rank
  Index blocks() const override;
  Index rows(Index block) const override;  ///< 1 of a whole program
  void log_prior(ConstMat theta, Vec value, Mat grad) const override;
  void log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const override;
  /// What bounds a coordinate the program's own transforms tell; see StanProgram::draw_over_domain().
  Vector draw_start(const Address& at, Reach reach) const override;
  bool has_scales() const override;
  std::string explain(Index block, ConstVec theta) const override;
  const std::vector<Parameter>& quantities() const override;
  Index num_judged() const override;
  void compute_quantities(ConstMat theta, std::uint64_t seed, std::uint32_t first_draw,
                          Mat values) const override;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

/// What checking the shards of a program found.
struct ShardCheck {
  double worst_value = 0.0, worst_gradient = 0.0;  ///< largest relative difference
  /// Empty, or what breaks the sum: "x, y: their rows depend on one another", "N: the density is no sum over
  /// ...".
  std::string culprit;
};

/// Compares the sum over `num_blocks` uneven blocks of rows with the program on all rows at a few seeded
/// draws: value, relative to its size or to 1; gradient, relative to its largest entry or to 1. Where they
/// differ by more than `tolerance`, finds by name the data variables that break the sum: at a fixed number of
/// rows, a variable whose change in some rows has an effect that depends on other rows; else the order of the
/// rows; else the count of rows itself. Throws as StanProgram and StanModel; Fault::data where there are no
/// two rows; Fault::numeric where no draw has a finite density.
ShardCheck check_shards(std::shared_ptr<const StanLibrary> library, const StanData& data, Index num_blocks,
                        double tolerance, std::uint64_t seed);

}  // namespace vfe
