#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "vfe/model/model.hpp"

namespace vfe {

/// Log prior (block -1) or log likelihood of a block at one theta, on its own.
inline double log_density(const Model& model, Index block, ConstVec theta) {
  Matrix no_gradient(theta.size(), 0);
  Vector value = Vector::Zero(1);
  if (block < 0) {
    model.log_prior(theta, value, no_gradient);
  } else {
    model.log_likelihood(block, theta, value, no_gradient);
  }
  return value[0];
}

/// Holds the gradients of prior and blocks, several draws at once, against central differences of the values.
inline void expect_gradients_match(const Model& model, ConstMat theta, double tolerance = 1e-7) {
  for (Index block = -1; block < model.blocks(); ++block) {
    // They are added to what is there.
    Matrix grad = Matrix::Constant(theta.rows(), theta.cols(), 0.25);
    Vector value = Vector::Constant(theta.cols(), 0.5);
    if (block < 0) {
      model.log_prior(theta, value, grad);
    } else {
      model.log_likelihood(block, theta, value, grad);
    }
    for (Index s = 0; s < theta.cols(); ++s) {
      EXPECT_DOUBLE_EQ(value[s] - 0.5, log_density(model, block, theta.col(s)));
      for (Index i = 0; i < theta.rows(); ++i) {
        const double h = 1e-5;
        Vector above = theta.col(s), below = theta.col(s);
        above[i] += h;
        below[i] -= h;
        const double slope =
            (log_density(model, block, above) - log_density(model, block, below)) / (2.0 * h);
        EXPECT_NEAR(grad(i, s) - 0.25, slope, tolerance * std::max(1.0, std::abs(slope)))
            << "block " << block << ", draw " << s << ", coordinate " << i;
      }
    }
  }
}

}  // namespace vfe
