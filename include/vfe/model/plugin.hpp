#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "vfe/core/rows.hpp"
#include "vfe/model/model.hpp"

namespace vfe {

/// A model in a shared library with the interface of vfe_model.h, loaded into this process.
class PluginModel final : public Model {
 public:
  /// `rows` are this rank's shard of a dataset of that schema (its blocks), or nothing: one block without rows. Throws
  /// Fault::missing where there is no file; Fault::data where it is no shared library, lacks a symbol (named), is of
  /// another version of the interface, describes a parameter wrongly or refuses to start or to open a block
  /// (with what the library says).
  PluginModel(const std::filesystem::path& library, const std::string& options);
  PluginModel(const std::filesystem::path& library, const std::string& options, const Schema& schema, Rows rows);
  ~PluginModel() override;

  const Parameters& parameters() const override;
  Index blocks() const override;
  Index rows(Index block) const override;
  void log_prior(ConstMat theta, Vec value, Mat grad) const override;
  void log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const override;
  std::string explain(Index block, ConstVec theta) const override;

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace vfe
