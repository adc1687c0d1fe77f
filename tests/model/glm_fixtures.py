"""Log densities of the likelihoods as scipy has them: python tests/model/glm_fixtures.py > tests/model/glm_fixtures.json"""

import itertools
import json
import math

from scipy import special, stats

ETAS = [-2.5, -0.3, 0.0, 1.1, 3.0]
SCALES = [0.35, 1.0, 4.2]
ODDS = [0.05, 0.6]
COUNTS = [0, 1, 2, 7, 40]
POSITIVE = [0.02, 0.9, 6.5]

rows = []


def row(likelihood, eta, y, value, scales=(), beside=0):
    rows.append({"likelihood": likelihood, "eta": eta, "y": y, "beside": beside, "scales": list(scales),
                 "log_density": float(value)})


def negative_binomial(eta, alpha):
    return stats.nbinom(1 / alpha, 1 / (1 + alpha * math.exp(eta)))


def zeros(name, counts, eta, y, scales, p):
    zero, some = math.log(p), math.log1p(-p) + counts.logpmf(y)
    row("zero_inflated_" + name, eta, y, special.logsumexp([zero, some]) if y == 0 else some, [*scales, p])
    row("hurdle_" + name, eta, y, zero if y == 0 else some - counts.logsf(0), [*scales, p])


for eta in ETAS:
    p = special.expit(eta)
    for y in (0, 1):
        row("logistic", eta, y, stats.bernoulli.logpmf(y, p))
    for y, more in itertools.product(COUNTS, (0, 3)):
        row("binomial", eta, y, stats.binom.logpmf(y, y + more, p), beside=y + more)
    for y in COUNTS:
        row("poisson", eta, y, stats.poisson.logpmf(y, math.exp(eta)))
        for p_zero in ODDS:
            zeros("poisson", stats.poisson(math.exp(eta)), eta, y, [], p_zero)
        for alpha in SCALES:
            row("negative_binomial", eta, y, negative_binomial(eta, alpha).logpmf(y), [alpha])
            for p_zero in ODDS:
                zeros("negative_binomial", negative_binomial(eta, alpha), eta, y, [alpha], p_zero)
    cutpoints = [-1.0, 0.4, 2.0]
    ends = [0.0, *stats.logistic.cdf([c - eta for c in cutpoints]), 1.0]
    for y in range(4):
        row("ordinal", eta, y, math.log(ends[y + 1] - ends[y]), cutpoints)
    for scale in SCALES:
        for y in (-1.5, 0.2, 4.0):
            row("linear", eta, y, stats.norm.logpdf(y, eta, scale), [scale])
            row("student_t", eta, y, stats.t.logpdf(y, 3.5, eta, scale), [scale, 3.5])
        for y in POSITIVE:
            mean = math.exp(eta)
            row("gamma", eta, y, stats.gamma.logpdf(y, scale, scale=mean / scale), [scale])
            row("lognormal", eta, y, stats.lognorm.logpdf(y, scale, scale=mean), [scale])
            row("weibull", eta, y, stats.weibull_min.logpdf(y, scale, scale=mean), [scale])
            row("weibull", eta, y, stats.weibull_min.logsf(y, scale, scale=mean), [scale], 1)
        for y in (0.001, 0.4, 0.98):
            row("beta", eta, y, stats.beta.logpdf(y, p * scale, (1 - p) * scale), [scale])
    for y in POSITIVE:
        row("exponential", eta, y, stats.expon.logpdf(y, scale=math.exp(eta)))
        row("exponential", eta, y, stats.expon.logsf(y, scale=math.exp(eta)), beside=1)

print("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]")
