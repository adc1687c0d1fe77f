#include "vfe/problem/problem.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <map>
#include <utility>
#include <vector>

#include "problem/conditional_normal.hpp"
#include "vfe/core/error.hpp"
#include "vfe/model/function.hpp"
#include "vfe/model/glm_layout.hpp"
#include "vfe/model/non_centred.hpp"
#include "vfe/model/stan.hpp"
#include "vfe/problem/load_model.hpp"
#include "vfe/store/atomic_file.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

std::uint64_t hash_of_model(const Config& config, std::uint64_t code, const Parameters& parameters) {
  Config only_model;
  only_model.model = config.model;
  for (std::string* file : {&only_model.model.library, &only_model.model.source, &only_model.model.data}) {
    file->clear();  // what is in them has hashes of its own
  }
  const std::string text = fmt::format("{}{}{:016x}", to_toml(only_model), to_json(parameters), code);
  return XXH3_64bits(text.data(), text.size());
}

LoadedModel refuse_function(const Communicator&, const Config&) {
  throw Error(Fault::config,
              "model.type: found \"function\", a model that a C++ program hands to vfe::fit; "
              "expected one that the program vfe can load");
}

std::unique_ptr<const Model> parameters_alone(const SavedModel& saved) {
  return make_model(saved.parameters.list(), [](ConstVec, Vec) { return 0.0; });
}

std::unique_ptr<const Model> built_in_without_rows(const SavedModel& saved) {
  if (!saved.design) return parameters_alone(saved);
  if (!saved.design->effects.empty()) return mixed_model(saved.config, no_rows(*saved.design));
  std::unique_ptr<const Model> model = built_in_model(saved.config, no_rows(*saved.design));
  const auto numbers = saved.arrays.find(conditional_normal_name);
  if (numbers == saved.arrays.end()) return model;
  const Index coefficients = glm_layout(glm_options(saved.config, *saved.design), *saved.design).sigma;
  if (coefficients < 1 || numbers->second.rows() != coefficients + 2 || numbers->second.cols() < 1) {
    throw Error(Fault::data, fmt::format("/vfe/{}: found {} x {} numbers, expected those of {} coefficients",
                                         conditional_normal_name, numbers->second.rows(),
                                         numbers->second.cols(), coefficients));
  }
  ConditionalNormal conditional(numbers->second);
  return std::make_unique<NonCentred>(std::move(model), std::move(conditional));
}

std::unique_ptr<const Model> stan_without_rows(const SavedModel& saved) {
  const Config& config = saved.config;
  auto library = std::make_shared<const StanLibrary>(stan_library_file(config));
  const std::string json = config.model.data.empty() ? "" : read_file(config.model.data);
  std::unique_ptr<const Model> model;
  if (config.model.is_sharded()) {
    const std::shared_ptr<const TableSource> none = saved.table ? no_table_rows(*saved.table) : nullptr;
    model = std::make_unique<StanModel>(std::move(library), stan_data(config, json, none.get()), Blocks(),
                                        BlockRange());
  } else {
    model = std::make_unique<StanModel>(std::move(library), json, config.model.data);
  }
  if (to_json(model->parameters()) != to_json(saved.parameters)) {
    throw Error(Fault::data,
                fmt::format("{}: its parameters are not those of the fit: the program, or its data {}, "
                            "has changed since",
                            stan_library_file(config), config.model.data));
  }
  return model;
}

/// How a model is made: over this rank's share of the data, and without any.
struct Loader {
  LoadedModel (*load)(const Communicator&, const Config&);
  std::unique_ptr<const Model> (*without_rows)(const SavedModel&);
};

const Loader& loader_of(const Config& config) {
  static const std::map<ModelForm, Loader> loaders{
      {ModelForm::glm, {load_built_in, built_in_without_rows}},
      {ModelForm::stan, {load_stan, stan_without_rows}},
      {ModelForm::plugin, {load_plugin, parameters_alone}},
      {ModelForm::function, {refuse_function, parameters_alone}},
  };
  return loaders.at(model_kind(config.model.type).form);
}

}  // namespace

struct Problem::Impl {
  LoadedModel loaded;
  const Model* model = nullptr;
  std::uint64_t model_hash = 0;

  void finish(const Config& config) {
    model_hash = hash_of_model(config, loaded.code_hash, model->parameters());
    if (model->parameters().size() == 0) {
      throw Error(Fault::data,
                  fmt::format("{}: the model has no parameters: nothing to fit", loaded.description));
    }
  }
};

Problem::Problem(const Communicator& comm, const Config& config) : impl_(std::make_unique<Impl>()) {
  impl_->loaded = loader_of(config).load(comm, config);
  impl_->model = impl_->loaded.model.get();
  impl_->finish(config);
  target_ = std::make_unique<Target>(model(), comm, config.fit.threads);
}

Problem::Problem(const Communicator& comm, const Config& config, const Model& model)
    : impl_(std::make_unique<Impl>()) {
  impl_->model = &model;
  if (const auto* integrated = dynamic_cast<const Integrated*>(&model)) {
    auto copy = std::make_unique<Integrated>(*integrated);
    impl_->loaded.integrated = copy.get();
    impl_->loaded.model = std::move(copy);
    impl_->model = impl_->loaded.model.get();
  }
  impl_->loaded.description = "a function";
  impl_->finish(config);
  target_ = std::make_unique<Target>(this->model(), comm, config.fit.threads);
}

Problem::~Problem() = default;

void Problem::on_print(std::function<void(const std::string&)> receiver) {
  if (impl_->loaded.printed) impl_->loaded.printed->send_to(std::move(receiver));
}

Integrated* Problem::integrated() const {
  return impl_->loaded.integrated;
}
const Model& Problem::model() const {
  return *impl_->model;
}
const std::string& Problem::description() const {
  return impl_->loaded.description;
}
const std::vector<std::string>& Problem::notes() const {
  return impl_->loaded.notes;
}
const std::optional<DatasetSchema>& Problem::table() const {
  return impl_->loaded.table;
}
const std::optional<DesignSchema>& Problem::design() const {
  return impl_->loaded.design;
}
const Vector& Problem::response() const {
  return impl_->loaded.response;
}
const std::map<std::string, Matrix>& Problem::arrays() const {
  return impl_->loaded.arrays;
}
std::uint64_t Problem::data_hash() const {
  return impl_->loaded.data_hash;
}
std::uint64_t Problem::model_hash() const {
  return impl_->model_hash;
}

std::unique_ptr<const Model> model_without_rows(const SavedModel& saved) {
  return loader_of(saved.config).without_rows(saved);
}

}  // namespace vfe
