// Targets whose log evidence is known.
#pragma once
#include <cmath>
#include <memory>
#include <numbers>
#include <string>

#include "reference/tables.hpp"
#include "reference/traps.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {

inline std::shared_ptr<const Model> glm(const GlmOptions& options, const Table& table) {
  DesignSchema schema;
  schema.blocks = Blocks::of_equal(table.x.rows(), 64);
  schema.response = "y";
  for (Index j = 0; j < table.x.cols(); ++j) schema.columns.push_back({.name = "x" + std::to_string(j + 1)});
  Rows rows;
  rows.blocks = schema.blocks;
  rows.x = Rows::RowMajor<double>(table.x);
  rows.y = table.y;
  return std::make_shared<Glm>(options, rows_in_memory(schema, std::move(rows)));
}

/// Known log evidence alone, by quadrature, to `error`.
inline ExactTarget table_logistic(const std::string& name, const Table& table, double prior_scale,
                                  double log_z, double error) {
  return {.name = name,
          .model = glm({.likelihood = Likelihood::logistic,
                        .prior_scale = prior_scale,
                        .intercept_prior_scale = prior_scale},
                       table),
          .log_z = log_z,
          .log_z_error = error};
}

/// A linear model of known noise: d coefficients, the intercept included.
inline ExactTarget conjugate_linear(Index d) {
  constexpr double sigma = 0.7, prior_scale = 1.5, intercept_prior_scale = 3.0;
  const Table table = linear_rows(std::max<Index>(100, 5 * d), d - 1, sigma);
  const Conjugate exact = conjugate(table, sigma, prior_scale, intercept_prior_scale);
  return {.name = "linear" + std::to_string(d),
          .model = glm({.likelihood = Likelihood::linear,
                        .prior_scale = prior_scale,
                        .intercept_prior_scale = intercept_prior_scale,
                        .known_sigma = sigma},
                       table),
          .mean = exact.mean,
          .sd = exact.covariance.diagonal().cwiseSqrt(),
          .log_z = exact.log_evidence};
}

/// exp(3.7) (0.6 normal(0, I) + 0.4 normal((2, 1, 0), diag(1.5, 0.7, 1)^2)).
inline ExactTarget overlapping_mixture() {
  constexpr double log_z = 3.7;
  const Vector shift{{2.0, 1.0, 0.0}}, wide{{1.5, 0.7, 1.0}};
  const Vector mean = 0.4 * shift;
  const Vector square =
      0.6 * Vector::Ones(3) + 0.4 * (wide.array().square() + shift.array().square()).matrix();
  return density_target("mixture3", differentiate([](const auto& x) {
                          using Scalar = std::decay_t<decltype(x[0])>;
                          Scalar first = 0.0, second = 0.0;
                          const double at[] = {2.0, 1.0, 0.0}, sd[] = {1.5, 0.7, 1.0};
                          for (Index i = 0; i < 3; ++i) {
                            first += log_normal_density<Scalar>(x[i], 0.0, 1.0);
                            second += log_normal_density<Scalar>(x[i], at[i], sd[i]);
                          }
                          return log_z + log_mixture<Scalar>(0.6, first, second);
                        }),
                        mean, (square.array() - mean.array().square()).sqrt().matrix(), log_z);
}

}  // namespace vfe
