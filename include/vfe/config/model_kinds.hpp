#pragma once
#include <optional>
#include <string>
#include <vector>

#include "vfe/model/glm.hpp"

namespace vfe {

/// By what code a model is made: each has its row among the loaders of `problem`.
enum class ModelForm { glm, stan, plugin, function };

/// What is known of a value of model.type, and which keys go with it.
struct ModelKind {
  std::string name;     ///< the value
  std::string called;   ///< in sentences: "a likelihood", "a plugin"
  std::string meaning;  ///< as `vfe schema` says it; kinds in a row that share it are named together
  ModelForm form = ModelForm::glm;
  std::optional<Likelihood> likelihood;   ///< of a generalised linear model: GlmOptions are its keys
  bool has_scale = false;                 ///< a parameter that model.scale_prior is the prior of
  bool takes_known_sigma = false;         ///< which stands for that parameter
  bool takes_degrees_of_freedom = false;  ///< model.degrees_of_freedom
  bool tells_prior = false;               ///< from the likelihood: output.log_prior
  bool takes_dataset = false;             ///< data.file
  bool needs_dataset = false;             ///< and cannot do without
  bool takes_formula = false;             ///< model.formula, of the dataset's columns
  bool takes_library = false;             ///< model.library; needed where no model.source is given
  bool takes_source = false;              ///< model.source, to build the library from
  bool takes_json = false;                ///< model.data
  bool takes_shard = false;               ///< model.shard, and data.file or data.blocks with it
  bool takes_options = false;             ///< model.options
};

/// All of them: the one list from which the choices of model.type, the conditions of other keys and their
/// messages come.
const std::vector<ModelKind>& model_kinds();
/// Null where there is none of that name.
const ModelKind* find_model_kind(const std::string& name);
/// The kind that another name for it means ("gaussian": linear), or that is spelt almost so; else empty.
std::string model_meant(const std::string& name);
/// Throws Fault::config where there is none of that name.
const ModelKind& model_kind(const std::string& name);

}  // namespace vfe
