// The examples, run as their headers say, word for word, in a folder that looks like the project's.
#include "cli/examples.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "vfe/core/random.hpp"
#include "vfe/model/plugin.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

class ExamplesProgram : public ExamplesFolder, public testing::WithParamInterface<const char*> {};

TEST_P(ExamplesProgram, RunsAndAgreesWithThePosterior) {
  EXPECT_THAT(run(GetParam()), HasSubstr("short Markov chains agree"));
}

INSTANTIATE_TEST_SUITE_P(Each, ExamplesProgram,
                         testing::Values("1_density.cpp", "2_rows.cpp", "3_differentiate.cpp", "4_plugin.c",
                                         "5_plugin.f90", "7_local.cpp"));

class PluginExamplesProgram : public ExamplesFolder {};

TEST_F(PluginExamplesProgram, FortranAgreesWithC) {
  run("4_plugin.c");
  run("5_plugin.f90");
  DesignSchema schema;
  schema.blocks = Blocks::of_equal(20, 20);
  schema.columns.resize(3);
  Matrix noise(20, 4);
  fill_normal({.purpose = Purpose::simulate}, noise);
  Rows rows{.blocks = schema.blocks, .x = Rows::RowMajor<double>(noise.leftCols(3)), .y = noise.col(3)};
  const PluginModel c(folder / "4_plugin.so", "", *rows_in_memory(schema, rows)),
      fortran(folder / "5_plugin.so", "", *rows_in_memory(schema, rows));

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
