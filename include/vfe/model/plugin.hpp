#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "vfe/core/row_source.hpp"
#include "vfe/model/model.hpp"

namespace vfe {

/// A model in a shared library with the interface of vfe_model.h, loaded into this process.
class PluginModel final : public Model {
 public:
  /// `rows` are this rank's shard of a dataset, blocks of which the library opens: all are read at once and
  /// kept, whatever the source says; x stored as float32 is converted, so that it takes twice the memory.
  /// Without them there is one block of no rows. Throws Fault::missing where there is no file; Fault::data
  /// where it is no shared library, lacks a function (named), is of another version of the interface,
  /// describes no parameters or one wrongly, or refuses to start or to open a block (with what the library
  /// says).
  PluginModel(const std::filesystem::path& library, const std::string& options);
  PluginModel(const std::filesystem::path& library, const std::string& options, const RowSource& rows);
  ~PluginModel() override;

  const Parameters& parameters() const override;
  Spread spread() const override;  ///< a model without data is on every rank
  Index blocks() const override;
  Index rows(Index block) const override;  ///< 1 of a model without data
  Index first_block() const override;
  void log_prior(ConstMat theta, Vec value, Mat grad) const override;
  void log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const override;
  /// "prior", of all parameters together.
  std::vector<Parameter> log_prior_terms() const override;
  void compute_log_prior_terms(ConstMat theta, Mat values) const override;
  /// What the library says when it is asked again, at this theta alone.
  std::string explain(Index block, ConstVec theta) const override;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace vfe
