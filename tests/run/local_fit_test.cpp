// A program's own latent variables, integrated, through a whole fit.
#include <gmock/gmock.h>

#include <cmath>
#include <vector>

#include "run/temporary_folder.hpp"
#include "vfe/comm/communicator.hpp"
#include "vfe/core/random.hpp"
#include "vfe/model/differentiate_local.hpp"
#include "vfe/model/integrated.hpp"
#include "vfe/run/fit.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

using testing::HasSubstr;

constexpr Index num_blocks = 4, block_groups = 10, counts_of_group = 5;

/// About 3 e^z, z different by group.
double count(Index group, Index row) {
  const Address at{.seed = 4, .purpose = Purpose::simulate, .block = static_cast<std::uint32_t>(group)};
  return std::floor(3.0 * std::exp(0.6 * normal(at, 0)) + 0.5 * std::abs(normal(at, 1 + row)));
}

const std::vector<Parameter> parameters{{"rate", {}, Transform::positive},
                                        {"shape", {}, Transform::positive}};

LogDensity exponential_prior() {
  return differentiate([](const auto& x) { return -0.2 * x[0] - 0.2 * x[1]; });
}

/// Poisson counts of rate e^z, e^z gamma by group; the blocks of one rank.
Integrated counts_model(const Communicator& comm, Index nodes) {
  const BlockRange own = shard(num_blocks, comm.rank(), comm.size());
  const auto log_density = [own](Index block, Index group, const auto& x, const auto& z) {
    using std::exp, std::lgamma, std::log;
    auto sum = x[1] * (log(x[1]) + z[0] - exp(z[0])) - lgamma(x[1]);
    for (Index i = 0; i < counts_of_group; ++i) {
      const double y = count((own.first + block) * block_groups + group, i);
      sum += y * (log(x[0]) + z[0]) - x[0] * exp(z[0]) - std::lgamma(y + 1.0);
    }
    return sum;
  };
  const std::vector<Index> rows(block_groups, counts_of_group);
  return {make_local_model(parameters, exponential_prior(), {.name = "site", .effects = {"log_rate"}},
                           std::vector(static_cast<std::size_t>(own.last - own.first), rows),
                           differentiate_local<1>(log_density)),
          nodes};
}

/// The same by its closed form.
std::unique_ptr<const Model> closed_form() {
  return make_model(parameters, exponential_prior(), {num_blocks * block_groups * counts_of_group},
                    differentiate([](Index, const auto& x) {
                      using std::lgamma, std::log;
                      auto sum = 0.0 * x[0];
                      for (Index group = 0; group < num_blocks * block_groups; ++group) {
                        double total = 0.0;
                        for (Index i = 0; i < counts_of_group; ++i) {
                          const double y = count(group, i);
                          total += y;
                          sum -= std::lgamma(y + 1.0);
                        }
                        sum += x[1] * log(x[1]) - lgamma(x[1]) + total * log(x[0]) + lgamma(x[1] + total) -
                               (x[1] + total) * log(x[1] + static_cast<double>(counts_of_group) * x[0]);
                      }
                      return sum;
                    }));
}

TEST(LocalFit, AgreesWithItsClosedForm) {
  const Communicator self = Communicator::self();
  const TemporaryFolder folder;
  const auto found = fit(self, counts_model(self, 11), {.draws = 1000, .directory = folder / "run"});
  const auto expected = fit(self, *closed_form());
  EXPECT_EQ(found.verdict.grade, Grade::certified) << found.verdict.reason;
  EXPECT_EQ(expected.verdict.grade, Grade::certified) << expected.verdict.reason;
  for (Index i = 0; i < 2; ++i) {
    const double error = std::hypot(found.moments.mean_error[i], expected.moments.mean_error[i]);
    EXPECT_NEAR(found.moments.mean[i], expected.moments.mean[i], 5.0 * error + 1e-3 * expected.moments.sd[i]);
  }
  EXPECT_NEAR(found.verdict.log_evidence, expected.verdict.log_evidence,
              5.0 * (found.verdict.log_evidence_error + expected.verdict.log_evidence_error) + 1e-3);

  // The effects of groups by name: given rate and shape e^z is gamma (shape + total, shape + 5 rate).
  const ResultFile file = read_result(folder / "run" / "result.h5");
  EXPECT_EQ(std::get<std::int64_t>(file.attributes.at("nodes")), 11);
  const Variable& draws = file.variable("posterior", "r_site");
  EXPECT_EQ(draws.dimensions[2].size, num_blocks * block_groups);
  EXPECT_EQ(draws.dimensions[3].labels, std::vector<std::string>{"log_rate"});
  const Index groups = num_blocks * block_groups;
  EXPECT_EQ(file.variable("group_effects", "rows_site").values,
            std::vector<double>(static_cast<std::size_t>(groups), counts_of_group));
  const Eigen::Map<const Matrix> z(draws.values.data(), groups, 1000);
  for (const Index group : {0, 17, 39}) {
    double total = 0.0, mean = 0.0, square = 0.0;
    for (Index i = 0; i < counts_of_group; ++i) total += count(group, i);
    for (Index s = 0; s < 1000; ++s) {
      const double shape = found.draws(1, s) + total;
      mean += shape / (found.draws(1, s) + static_cast<double>(counts_of_group) * found.draws(0, s)) / 1000.0;
      const double value = std::exp(z(group, s));
      square += value * value / 1000.0;
    }
    const double of_draws = z.row(group).array().exp().mean();
    EXPECT_NEAR(of_draws, mean, 5.0 * std::sqrt((square - of_draws * of_draws) / 1000.0)) << group;
  }
}

TEST(LocalFit, RefusesTooFewNodes) {
  const Communicator self = Communicator::self();
  const Integrated model = counts_model(self, 1);
  const auto found = fit(self, model);
  EXPECT_EQ(found.verdict.grade, Grade::rejected);
  EXPECT_THAT(found.verdict.reason, HasSubstr("too few to integrate effects of groups"));
  EXPECT_THAT(found.verdict.advice, HasSubstr("vfe::Integrated with more nodes"));
  EXPECT_EQ(model.nodes(), 1);
}

TEST(LocalFitMpi, GivesTheSameBitsAsOneRankAlone) {
  const Communicator self = Communicator::self();
  const Communicator world = Communicator::world();
  const auto alone = fit(self, counts_model(self, 5), {.draws = 200});
  const auto together = fit(world, counts_model(world, 5), {.draws = 200});
  EXPECT_EQ(alone.draws, together.draws);
  EXPECT_EQ(alone.verdict.reason, together.verdict.reason);
}

}  // namespace
}  // namespace vfe
