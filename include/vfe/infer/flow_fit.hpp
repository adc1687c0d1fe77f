#pragma once
#include "vfe/family/flow.hpp"

namespace vfe {

struct FlowFitOptions {
  double nu = 10.0;                  ///< of the flow's noise
  double reach = Flow::usual_reach;  ///< of the flow
  double ridge = 1.0;         ///< least one, in draws: on the coefficients of l; a fifth of it on the others
  Index max_iterations = 60;  ///< of L-BFGS, per coordinate
  double tolerance = 1e-5;    ///< on its Newton decrement [nats per draw]
};

struct FlowFit {
  Flow flow;
  double ess = 0.0;       ///< 1 / sum w^2 of the weights
  double held_out = 0.0;  ///< weighted mean of log q over the held-out third, of a fit to the others [nats]
};

/// Fits a flow to weighted draws of p by maximum likelihood (that is, it minimises the inclusive divergence
/// KL(p || q) over what the weights show of p), without gradients of p. theta is d x n; log_weight, of any
/// normalisation, may be -infinity; draws should be in random order, for every third is held out while the
/// order of the coordinates is chosen among four: most Gaussian last, first, natural, reversed; and for each
/// coordinate whether its mean is quadratic (where there are 12 effective draws for each coefficient) and how
/// strong the ridge on its coefficients is. Most coordinates do best with next to none, without which the fit
/// to a normal in 26 dimensions would lose much to noise.
///
/// `base` whitens the draws: see whitening(). Makes no call of a target and has no random numbers: equal on
/// every rank. The features take about 4 n d^2 bytes; d up to about 60 is sensible. Throws Fault::numeric if
/// no draw has weight, Fault::bug if the sizes differ.
FlowFit fit_flow(ConstMat theta, ConstVec log_weight, const Affine& base, const FlowFitOptions& options = {});

/// The weighted mean and a Cholesky factor of the weighted covariance plus a thousandth of that of
/// `fallback`; `fallback` itself where fewer than 3 d effective draws make a covariance.
Affine whitening(ConstMat theta, ConstVec log_weight, const Affine& fallback);

/// log weights times min(max_j z_j^2, 100), z the rows of `values` (n x S, what moments are wanted of; one
/// that is not finite counts as 0) standardised by their weighted moments: for a second flow that looks after
/// the tails, which carry the second moments.
Vector tail_log_weights(ConstMat values, ConstVec log_weight);

}  // namespace vfe
