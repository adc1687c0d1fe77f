#include "vfe/model/glm_likelihood.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "vfe/model/glm.hpp"

namespace vfe {
namespace {

TEST(GlmLikelihood, TheListIsInTheOrderOfTheEnumeration) {
  std::set<std::string> names;
  for (const LikelihoodTraits& one : likelihoods()) {
    EXPECT_EQ(&traits(one.likelihood), &one);
    EXPECT_TRUE(names.insert(one.name).second) << one.name;
  }
  EXPECT_EQ(to_string(Likelihood::weibull), "weibull");
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Likelihood::weibull) + 1);
}

// scipy's numbers: glm_fixtures.py beside this file.
TEST(GlmLikelihood, DensitiesAreThoseOfScipy) {
  std::ifstream file(VFE_SOURCE_DIR "/tests/model/glm_fixtures.json");
  std::set<std::string> seen;
  for (const nlohmann::json& fixture : nlohmann::json::parse(file)) {
    const auto name = fixture["likelihood"].get<std::string>();
    seen.insert(name);
    const auto scales = fixture["scales"].get<std::vector<double>>();
    GlmOptions options{.likelihood = likelihood_from_string(name), .intercept = false};
    DesignSchema schema;
    schema.blocks = Blocks::of_equal(1, 1);
    schema.columns.push_back({.name = "x", .source = "x"});
    for (std::size_t k = 0; has_classes(options.likelihood) && k <= scales.size(); ++k)
      schema.response_levels.push_back(std::to_string(k));
    Rows rows;
    rows.blocks = schema.blocks;
    rows.x = Rows::RowMajor<double>(Rows::RowMajor<double>::Ones(1, 1));
    rows.y = Vector::Constant(1, fixture["y"].get<double>());
    const auto beside = fixture["beside"].get<double>();
    if (options.likelihood == Likelihood::binomial) rows.trials = Vector::Constant(1, beside);
    if (traits(options.likelihood).takes_censoring) rows.censoring = Vector::Constant(1, beside);
    const Glm model(options, rows_in_memory(schema, rows));
    Vector constrained(model.parameters().num_constrained()), found(1);
    constrained[0] = fixture["eta"].get<double>();
    ASSERT_EQ(constrained.size(), static_cast<Index>(scales.size()) + 1) << name;
    for (std::size_t i = 0; i < scales.size(); ++i) constrained[static_cast<Index>(i) + 1] = scales[i];
    model.log_likelihood_rows(0, model.parameters().unconstrain(constrained), found);
    const auto expected = fixture["log_density"].get<double>();
    EXPECT_NEAR(found[0], expected, 1e-11 * (1.0 + std::abs(expected))) << fixture.dump();
  }
  EXPECT_EQ(seen.size(), likelihoods().size() - 1);  // softmax has a linear predictor for each class
}

}  // namespace
}  // namespace vfe
