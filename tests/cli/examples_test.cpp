// The examples, run as their headers say, word for word, in a folder that looks like the project's.
#include <gmock/gmock.h>

#include <cmath>
#include <sstream>

#include "cli/program.hpp"
#include "vfe/core/random.hpp"
#include "vfe/model/plugin.hpp"

namespace vfe {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path examples = fs::path(VFE_SOURCE_DIR) / "apps" / "examples";

/// What follows "Run:" at the top of an example, a command a line.
std::vector<std::string> run_lines(const std::string& name) {
  std::vector<std::string> lines;
  std::istringstream text(contents(examples / name));
  for (std::string line; std::getline(text, line);) {
    const std::size_t run = line.find("Run: ");
    if (lines.empty() && run == std::string::npos) continue;
    // The next commands stand below the first one.
    const std::size_t indent = line.find_first_not_of("/*! ");
    if (!lines.empty() && (indent == std::string::npos || indent < 7)) break;
    std::string command = lines.empty() ? line.substr(run + 5) : line.substr(indent);
    if (command.ends_with(" */")) command.resize(command.size() - 3);
    lines.push_back(command);
  }
  return lines;
}

class ExamplesFolder : public testing::Test {
 protected:
  ExamplesFolder() {
    fs::create_directory(folder / "build");
    fs::create_directory_symlink(VFE_BINARY_DIR, folder / "build" / "release");
    for (const char* name : {"apps", "include"}) {
      fs::create_directory_symlink(fs::path(VFE_SOURCE_DIR) / name, folder / name);
    }
  }

  /// Runs the example; the last thing that it said.
  std::string run(const std::string& name) {
    const std::vector<std::string> lines = run_lines(name);
    EXPECT_GE(lines.size(), 2u) << name << " does not say how it is run";
    std::string said;
    for (const std::string& line : lines) {
      const Finished finished = Job(folder.path(), line).wait();
      EXPECT_EQ(finished.code, 0) << line << "\n" << finished.err;
      said = finished.out;
    }
    return said;
  }

  TemporaryFolder folder;
};

class ExamplesProgram : public ExamplesFolder, public testing::WithParamInterface<const char*> {};

TEST_P(ExamplesProgram, RunsAndAgreesWithThePosterior) {
  EXPECT_THAT(run(GetParam()), HasSubstr("q agrees with the posterior"));
}

INSTANTIATE_TEST_SUITE_P(Each, ExamplesProgram,
                         testing::Values("1_density.cpp", "2_rows.cpp", "3_differentiate.cpp", "4_plugin.c",
                                         "5_plugin.f90"));

class PluginExamplesProgram : public ExamplesFolder {};

TEST_F(PluginExamplesProgram, FortranAgreesWithC) {
  run("4_plugin.c");
  run("5_plugin.f90");
  Schema schema;
  schema.rows = schema.block_rows = 20;
  schema.columns.resize(3);
  Matrix noise(20, 4);
  fill_normal({.purpose = Purpose::simulate}, noise);
  Rows rows{.num_blocks = 1, .x = Rows::RowMajor<double>(noise.leftCols(3)), .y = noise.col(3)};
  const PluginModel c(folder / "4_plugin.so", "", schema, rows),
      fortran(folder / "5_plugin.so", "", schema, rows);

  ASSERT_EQ(fortran.parameters().size(), 5);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(fortran.parameters().list()[i].name, c.parameters().list()[i].name);
    EXPECT_EQ(fortran.parameters().list()[i].dimensions, c.parameters().list()[i].dimensions);
    EXPECT_EQ(fortran.parameters().list()[i].transform, c.parameters().list()[i].transform);
  }
  Matrix theta(5, 4);
  fill_normal({.purpose = Purpose::check}, theta);
  Vector of_c = Vector::Zero(4), of_fortran = Vector::Zero(4);
  Matrix grad_of_c = Matrix::Zero(5, 4), grad_of_fortran = Matrix::Zero(5, 4);
  c.log_prior(theta, of_c, grad_of_c);
  c.log_likelihood(0, theta, of_c, grad_of_c);
  fortran.log_prior(theta, of_fortran, grad_of_fortran);
  fortran.log_likelihood(0, theta, of_fortran, grad_of_fortran);
  EXPECT_LT((of_c - of_fortran).norm(), 1e-12 * of_c.norm());
  EXPECT_LT((grad_of_c - grad_of_fortran).norm(), 1e-12 * grad_of_c.norm());

  // Without a gradient.
  Vector alone = Vector::Zero(4);
  Matrix none(5, 0);
  fortran.log_prior(theta, alone, none);
  fortran.log_likelihood(0, theta, alone, none);
  EXPECT_LT((of_c - alone).norm(), 1e-12 * of_c.norm());
}

}  // namespace
}  // namespace vfe
