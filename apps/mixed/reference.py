"""Posteriors of mixed models by other means: effects of groups integrated by a quadrature of many nodes in numpy, the
parameters by rounds of importance sampling from a t. Nothing here is shared with vfe."""

import numpy as np
from scipy.optimize import minimize
from scipy.special import gammaln, logsumexp
from scipy.stats import multivariate_t

LOG_TWO_PI = np.log(2 * np.pi)


def half_normal(log_x, scale):
    """Log density of log x."""
    return np.log(2 / scale) - 0.5 * LOG_TWO_PI - 0.5 * (np.exp(log_x) / scale) ** 2 + log_x


class Mixed:
    """y ~ X beta + (Z | g): beta normal(0, 2.5), the intercept normal(0, 10), sds half-normal(sd_scale), correlations
    LKJ(2), sigma half-normal(5). `items`, level by row, adds effects of a factor as parameters.
    `outer` adds an intercept for the groups that g is within, `crossed` one for groups across them, by row (both of a
    normal response alone, of which all is then integrated exactly)."""

    def __init__(self, family, y, X, Z, g, trials=None, nodes=15, sd_scale=1.0, items=None, outer=None, crossed=None):
        order = np.argsort(g, kind="stable")
        take = lambda a: None if a is None else np.asarray(a)[order]
        self.family, self.y, self.X, self.Z = family, take(y).astype(float), take(X).astype(float), take(Z).astype(float)
        self.trials, self.items, self.outer, self.crossed = take(trials), take(items), take(outer), take(crossed)
        _, self.g = np.unique(np.asarray(g)[order], return_inverse=True)
        self.groups, (self.n, self.p), self.k = self.g.max() + 1, self.X.shape, self.Z.shape[1]
        self.starts = np.searchsorted(self.g, np.arange(self.groups))
        self.linear = family == "linear"
        self.sd_scale, self.levels = sd_scale, 0 if items is None else int(self.items.max()) + 1
        x, w = np.polynomial.hermite_e.hermegauss(1 if self.linear else nodes)
        grids = lambda a: np.array(np.meshgrid(*[a] * self.k, indexing="ij")).reshape(self.k, -1).T
        self.x, self.log_w = grids(x), np.log(grids(w / w.sum())).sum(1)
        self.names = [f"beta{j}" for j in range(self.p)] + [f"sd{j}" for j in range(self.k)]
        self.names += ["cor"] * (self.k == 2) + ["sigma"] * self.linear
        self.names += ["sd_items"] * (items is not None) + [f"b_{j}" for j in range(self.levels)]
        self.names += ["sd_outer"] * (outer is not None) + ["sd_crossed"] * (crossed is not None)
        if crossed is not None:
            self.counts = np.zeros((self.groups, self.crossed.max() + 1))
            np.add.at(self.counts, (self.g, self.crossed), 1.0)
        self.d = len(self.names)

    def constrain(self, theta):
        values = np.array(theta, float)
        for j, name in enumerate(self.names):
            if name.startswith("s"):
                values[..., j] = np.exp(values[..., j])
            if name == "cor":
                values[..., j] = np.tanh(values[..., j])
        return values

    def log_prior(self, theta):
        value, sd_items = 0.0, np.exp(dict(zip(self.names, theta)).get("sd_items", 0.0))
        for t, name in zip(theta, self.names):
            if name.startswith("beta") or name.startswith("b_"):
                scale = sd_items if name.startswith("b_") else 10.0 if name == "beta0" else 2.5
                value += -0.5 * (t / scale) ** 2 - np.log(scale) - 0.5 * LOG_TWO_PI
            elif name == "cor":  # LKJ(2): 3/4 (1 - r^2), times the slope of tanh
                value += np.log(0.75) + 2 * np.log1p(-np.tanh(t) ** 2)
            else:
                value += half_normal(t, 5.0 if name == "sigma" else self.sd_scale)
        return value

    def sum(self, a):
        return np.add.reduceat(a, self.starts)

    def rows(self, eta, sigma):
        """Log density, slope and curvature by the linear predictor."""
        y = self.y
        if self.linear:
            return -0.5 * ((y - eta) / sigma) ** 2 - np.log(sigma) - 0.5 * LOG_TWO_PI, (y - eta) / sigma**2, \
                np.full_like(eta, sigma**-2)
        if self.family == "poisson":
            mean = np.exp(eta)
            return y * eta - mean - gammaln(y + 1), y - mean, mean
        n = 1.0 if self.trials is None else self.trials
        chance = 1 / (1 + np.exp(-eta))
        value = y * eta - n * np.logaddexp(0, eta)
        if self.trials is not None:
            value += gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
        return value, y - n * chance, n * chance * (1 - chance)

    def log_posterior(self, theta):
        beta, sd = theta[:self.p], np.exp(theta[self.p:self.p + self.k])
        factor = np.diag(sd)
        if self.k == 2:
            r = np.tanh(theta[self.p + 2])
            factor = np.array([[sd[0], 0], [r * sd[1], np.sqrt(1 - r * r) * sd[1]]])
        at = dict(zip(self.names, theta))
        sigma = np.exp(at.get("sigma", 0.0))
        off = self.X @ beta
        if self.items is not None:
            off = off + theta[-self.levels:][self.items]
        if self.outer is not None:
            return self.log_prior(theta) + self.log_normal(off, factor, sigma, np.exp(at["sd_outer"]))
        if self.crossed is not None:
            return self.log_prior(theta) + self.log_crossed(off, sd[0], sigma, np.exp(at["sd_crossed"]))
        W = self.Z @ factor
        u = np.zeros((self.groups, self.k))
        for _ in range(60):
            _, slope, curvature = self.rows(off + (W * u[self.g]).sum(1), sigma)
            G = self.sum(W * slope[:, None]) - u
            H = self.sum(curvature[:, None, None] * W[:, :, None] * W[:, None, :]) + np.eye(self.k)
            step = np.linalg.solve(H, G[..., None])[..., 0]
            step *= np.minimum(1, 2 / (np.abs(step).max(1, keepdims=True) + 1e-300))
            if np.abs(step).max() < 1e-10:
                break
            u += step
        C = np.linalg.cholesky(H)
        spread = np.linalg.inv(C).transpose(0, 2, 1)
        log_det = np.log(np.diagonal(C, axis1=1, axis2=2)).sum(1)
        terms = []
        for x, log_w in zip(self.x, self.log_w):
            z = u + spread @ x
            value = self.sum(self.rows(off + (W * z[self.g]).sum(1), sigma)[0]) - 0.5 * (z * z).sum(1)
            terms.append(value + log_w + 0.5 * x @ x)
        return self.log_prior(theta) + (logsumexp(terms, axis=0) - log_det).sum()

    def log_normal(self, off, factor, sigma, sd_outer):
        same_group, same_outer = self.g[:, None] == self.g, self.outer[:, None] == self.outer
        W = self.Z @ factor
        covariance = sigma**2 * np.eye(self.n) + same_group * (W @ W.T) + sd_outer**2 * same_outer
        C = np.linalg.cholesky(covariance)
        rest = np.linalg.solve(C, self.y - off)
        return -0.5 * rest @ rest - np.log(np.diag(C)).sum() - 0.5 * self.n * LOG_TWO_PI

    def log_crossed(self, off, sd, sigma, sd_crossed):
        """Groups are eliminated first, one by one; the groups across them by one Cholesky factor."""
        r, N, w = self.y - off, self.counts, sigma**-2
        a = w * N.sum(1) + sd**-2
        of_groups, of_crossed = self.sum(r), np.bincount(self.crossed, r, N.shape[1])
        S = np.diag(w * N.sum(0) + sd_crossed**-2) - w * w * (N.T / a) @ N
        c = w * of_crossed - w * w * N.T @ (of_groups / a)
        C = np.linalg.cholesky(S)
        rest = np.linalg.solve(C, c)
        log_det = np.log(a).sum() + 2 * np.log(np.diag(C)).sum() + 2 * (
            self.groups * np.log(sd) + N.shape[1] * np.log(sd_crossed) + self.n * np.log(sigma))
        square = w * r @ r - w * w * (of_groups**2 / a).sum() - rest @ rest
        return -0.5 * (square + log_det + self.n * LOG_TWO_PI)

    def start(self):
        theta = np.zeros(self.d)
        for j, name in enumerate(self.names):
            theta[j] = -0.7 if name.startswith("sd") else np.log(self.y.std()) if name == "sigma" else 0.0
        theta[0] = self.y.mean() if self.linear else 0.0
        return theta

    def posterior(self, draws, rounds=3, seed=0):
        """Means, sds, log evidence, effective draws: of the parameters as constrain() has them."""
        lp = lambda t: (lambda v: v if np.isfinite(v) else -1e300)(self.log_posterior(t))
        mode = minimize(lambda t: -lp(t), self.start(), method="BFGS", options={"gtol": 1e-3}).x
        H, e = np.zeros((self.d, self.d)), 1e-3
        grad = lambda t: np.array([(lp(t + e * i) - lp(t - e * i)) / (2 * e) for i in np.eye(self.d)])
        for j, i in enumerate(np.eye(self.d)):
            H[j] = -(grad(mode + e * i) - grad(mode - e * i)) / (2 * e)
        w, V = np.linalg.eigh(0.5 * (H + H.T))
        centre, covariance = mode, V @ np.diag(1 / np.maximum(w, 1e-3)) @ V.T
        random, thetas, values, proposals = np.random.default_rng(seed), [], [], []
        for _ in range(rounds):
            proposals.append(multivariate_t(centre, covariance, df=7, seed=random))
            thetas.append(np.atleast_2d(proposals[-1].rvs(draws)))
            values.append([lp(t) for t in thetas[-1]])
            theta, value = np.vstack(thetas), np.concatenate(values)
            log_q = logsumexp([q.logpdf(theta) for q in proposals], axis=0) - np.log(len(proposals))
            log_weight = value - log_q
            weight = np.exp(log_weight - log_weight.max())
            evidence = log_weight.max() + np.log(weight.mean())
            weight /= weight.sum()
            centre = weight @ theta
            covariance = 1.15 * ((theta - centre).T * weight) @ (theta - centre) + 1e-9 * np.eye(self.d)
        shown = self.constrain(theta)
        mean = weight @ shown
        sd = np.sqrt(weight @ (shown - mean) ** 2)
        return dict(zip(self.names, zip(mean, sd))), evidence, 1 / (weight**2).sum()
