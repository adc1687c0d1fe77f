// A fit of a table given in memory, from its dataset file to its result file.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "reference/tables.hpp"
#include "run/small_fit.hpp"
#include "vfe/run/fit.hpp"
#include "vfe/store/result.hpp"

namespace vfe {

namespace fs = std::filesystem;

/// A folder of this test's own, removed at the end.
class Posterior : public testing::Test {
 protected:
  Posterior() : folder_(fs::temp_directory_path() / ("vfe_posterior_" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~Posterior() override { fs::remove_all(folder_); }

  const fs::path& folder() const { return folder_; }

  fs::path write(const Table& table, Index block_rows) const {
    const fs::path path = folder_ / "data.h5";
    write_dataset(path, {.x = table.x, .y = table.y, .weight = {}, .offset = {}, .block_rows = block_rows});
    return path;
  }

  Config config(const fs::path& data) const {
    Config config;
    config.data.file = data.string();
    config.model.type = "logistic";
    config.model.formula = "y";
    config.model.glm.priors_on = PriorsOn::user;  // the answers are of columns as they are
    config.family.type = "full_rank";
    config.output.directory = (folder_ / "run").string();
    return config;
  }

  ResultFile run(const Config& config) const {
    run_fit(Communicator::self(), config, {.existing = Existing::overwrite, .quiet = true});
    return read_result(fs::path(config.output.directory) / "result.h5");
  }

 private:
  fs::path folder_;
};

inline double number(const ResultFile& result, const std::string& name) {
  return std::get<double>(result.attributes.at(name));
}
inline std::string text(const ResultFile& result, const std::string& name) {
  return std::get<std::string>(result.attributes.at(name));
}

}  // namespace vfe
