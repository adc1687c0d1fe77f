#!/usr/bin/env python3
"""Writes likelihoods.json: posterior means and sds of generalised linear models of tables in tests/data, by NUTS, in
the coordinates of the models (numbers centred and scaled), with their default priors. Designs are made here and
densities are numpyro's, so that neither is taken from what is tested against them. In an environment with
apps/bench/requirements.txt:

    python likelihoods.py [name ...]      # by default all, a quarter of an hour on two cores
"""

import csv
import json
import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.infer import MCMC, NUTS

HERE = pathlib.Path(__file__).parent
CHAINS, WARMUP, DRAWS = 8, 1000, 10000
LARGEST = {"rhat": 1.005, "mean_error": 0.01, "sd_error": 0.01}  # the errors relative to the sd


class Table:
    """The columns of a CSV file, and the columns of designs made of them."""

    def __init__(self, file):
        with open(HERE.parent / "data" / file, newline="") as rows:
            rows = list(csv.DictReader(rows))
        self.columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}

    def raw(self, name):
        return self.columns[name].astype(float)

    def number(self, name, function=lambda x: x):
        x = function(self.raw(name))
        return ((x - x.mean()) / x.std(ddof=1))[:, None]

    def factor(self, name):
        """Treatment contrasts against the first level."""
        values = self.columns[name]
        levels = sorted(set(values), key=lambda level: float(level) if level.isdigit() else level)
        return np.stack([values == level for level in levels[1:]], axis=1).astype(float)

    def poly(self, name, degree):
        """Orthogonal polynomials as R's, each with a positive leading coefficient."""
        x = self.raw(name)
        powers = (x - x.mean())[:, None] ** np.arange(degree + 1)
        q, r = np.linalg.qr(powers)
        z = (q * np.sign(np.diag(r)))[:, 1:]
        return (z - z.mean(axis=0)) / z.std(axis=0, ddof=1)


def coefficients(x):
    """The linear predictor without intercept."""
    return x @ numpyro.sample("beta", dist.Normal(0, 2.5).expand([x.shape[1]]))


def predictor(x):
    return numpyro.sample("intercept", dist.Normal(0, 10)) + coefficients(x)


def overdispersed(mean):
    return dist.NegativeBinomial2(mean, 1 / numpyro.sample("overdispersion", dist.HalfNormal(1)))


def binomial(x, y, trials):
    numpyro.sample("y", dist.Binomial(trials.astype(int), logits=predictor(x)), obs=y)


def ordinal(x, y, weight):
    classes = np.unique(y, return_inverse=True)[1]
    eta = coefficients(x)
    cutpoints = numpyro.sample(
        "cutpoints",
        dist.ImproperUniform(dist.constraints.ordered_vector, (), event_shape=(classes.max(),)),
    )
    numpyro.factor("prior", dist.Normal(0, 10).log_prob(cutpoints).sum())
    numpyro.factor("y", (weight * dist.OrderedLogistic(eta, cutpoints).log_prob(classes)).sum())


def zero_inflated(counts):
    def model(x, y):
        of_counts = counts(jnp.exp(predictor(x)))
        zero = numpyro.sample("zero_probability", dist.Uniform(0, 1))
        numpyro.sample("y", dist.ZeroInflatedDistribution(of_counts, gate=zero), obs=y)

    return model


def hurdle(counts):
    def model(x, y):
        of_counts = counts(jnp.exp(predictor(x)))
        zero = numpyro.sample("zero_probability", dist.Uniform(0, 1))
        above = of_counts.log_prob(y) - jnp.log(-jnp.expm1(of_counts.log_prob(0))) + jnp.log1p(-zero)
        numpyro.factor("y", jnp.where(y > 0, above, jnp.log(zero)).sum())

    return model


def gamma(x, y):
    mean, shape = jnp.exp(predictor(x)), numpyro.sample("shape", dist.Gamma(2, 0.1))
    numpyro.sample("y", dist.Gamma(shape, shape / mean), obs=y)


def beta(x, y):
    mean, precision = jax.nn.sigmoid(predictor(x)), numpyro.sample("precision", dist.Gamma(2, 0.02))
    numpyro.sample("y", dist.Beta(mean * precision, (1 - mean) * precision), obs=y)


def lognormal(x, y):
    numpyro.sample("y", dist.LogNormal(predictor(x), numpyro.sample("sigma", dist.HalfNormal(1))), obs=y)


def survival(y, censored, scale, shape):
    log_hazard = jnp.log(shape / scale) + (shape - 1) * jnp.log(y / scale)
    numpyro.factor("y", ((1 - censored) * log_hazard - (y / scale) ** shape).sum())


def exponential(x, y, censored):
    survival(y, censored, jnp.exp(predictor(x)), 1.0)


def weibull(x, y, censored):
    survival(y, censored, jnp.exp(predictor(x)), numpyro.sample("shape", dist.Gamma(2, 0.1)))


def cases():
    """name, likelihood, file, formula, density; columns of the design, response, and what the density needs beside."""
    t = Table("cbpp.csv")
    yield ("cbpp", "binomial", "cbpp.csv", "incidence | trials(size) ~ factor(period) + factor(herd)", binomial,
           [t.factor("period"), t.factor("herd")], t.raw("incidence"), t.raw("size"))

    t = Table("wine.csv")
    yield ("wine", "ordinal", "wine.csv", "rating ~ temp * contact", ordinal,
           [t.factor("temp"), t.factor("contact"), t.factor("temp") * t.factor("contact")], t.raw("rating"),
           np.ones(len(t.raw("rating"))))

    t = Table("housing.csv")
    yield ("housing", "ordinal", "housing.csv", "satisfaction | weights(frequency) ~ influence + type + contact",
           ordinal, [t.factor("influence"), t.factor("type"), t.factor("contact")], t.raw("satisfaction"),
           t.raw("frequency"))

    t = Table("biochemists.csv")
    for name, density in [("zero_inflated_poisson", zero_inflated(dist.Poisson)),
                          ("zero_inflated_negative_binomial", zero_inflated(overdispersed)),
                          ("hurdle_poisson", hurdle(dist.Poisson)),
                          ("hurdle_negative_binomial", hurdle(overdispersed))]:
        yield ("biochemists_" + name, name, "biochemists.csv", "art ~ fem + mar + kid5 + phd + ment", density,
               [t.factor("fem"), t.factor("mar"), t.number("kid5"), t.number("phd"), t.number("ment")], t.raw("art"))

    t = Table("gag_urine.csv")
    yield ("gag_urine", "gamma", "gag_urine.csv", "gag ~ poly(age, 3)", gamma, [t.poly("age", 3)], t.raw("gag"))

    t = Table("gasoline_yield.csv")
    yield ("gasoline_yield", "beta", "gasoline_yield.csv", "yield ~ factor(batch) + temp", beta,
           [t.factor("batch"), t.number("temp")], t.raw("yield"))

    t = Table("reading_skills.csv")
    yield ("reading_skills", "beta", "reading_skills.csv", "accuracy ~ dyslexia + iq", beta,
           [t.factor("dyslexia"), t.number("iq")], t.raw("accuracy"))

    # So few rows that the priors of sigma and shape matter.
    t = Table("animals.csv")
    yield ("animals", "lognormal", "animals.csv", "brain ~ log(body)", lognormal, [t.number("body", np.log)],
           t.raw("brain"))

    t = Table("leuk.csv")
    for name, density, beside in [("gamma", gamma, []), ("weibull", weibull, [np.zeros(len(t.raw("time")))])]:
        yield ("leuk_" + name, name, "leuk.csv", "time ~ ag * log(wbc)", density,
               [t.factor("ag"), t.number("wbc", np.log), t.factor("ag") * t.number("wbc", np.log)], t.raw("time"),
               *beside)

    t = Table("veteran.csv")
    yield ("veteran", "exponential", "veteran.csv",
           "time | cens(censored) ~ trt + celltype + karno + log(diagtime) + age + prior", exponential,
           [t.factor("trt"), t.factor("celltype"), t.number("karno"), t.number("diagtime", np.log), t.number("age"),
            t.factor("prior")], t.raw("time"), t.raw("censored"))

    t = Table("lung.csv")
    yield ("lung", "weibull", "lung.csv", "time | cens(censored) ~ age + sex + ph_ecog", weibull,
           [t.number("age"), t.factor("sex"), t.number("ph_ecog")], t.raw("time"), t.raw("censored"))


def sample(density, data, seed):
    """Draws of the parameters in the order of the model's: parameters x chains x draws."""
    kernel = NUTS(density, dense_mass=True, target_accept_prob=0.9)
    mcmc = MCMC(kernel, num_warmup=WARMUP, num_samples=DRAWS, num_chains=CHAINS, chain_method="vectorized",
                progress_bar=False)
    mcmc.run(jax.random.PRNGKey(seed), *data, extra_fields=("diverging",))
    assert not np.any(mcmc.get_extra_fields()["diverging"]), "divergent transitions"
    draws = mcmc.get_samples(group_by_chain=True)
    order = ["intercept", "beta", "cutpoints", "sigma", "overdispersion", "zero_probability", "shape", "precision"]
    assert set(draws) <= set(order)
    return np.concatenate([np.atleast_3d(draws[name]) for name in order if name in draws], axis=2).transpose(2, 0, 1)


def moments(draws):
    result = {"mean": [], "mean_error": [], "sd": [], "sd_error": []}
    for x in draws:
        mean, sd = x.mean(), x.std(ddof=1)
        square = (x - mean) ** 2
        mean_error = sd / np.sqrt(effective_sample_size(x))
        sd_error = square.std() / np.sqrt(effective_sample_size(square)) / (2 * sd)
        for name, value in zip(result, (mean, mean_error, sd, sd_error)):
            result[name].append(float(f"{value:.7g}"))
        found = {"rhat": max(split_gelman_rubin(x), split_gelman_rubin(square)), "mean_error": mean_error / sd,
                 "sd_error": sd_error / sd}
        for name, limit in LARGEST.items():
            assert found[name] < limit, f"{name} {found[name]}, expected below {limit}"
    return result


def written(results):
    """JSON with a line for each list."""
    def entry(result):
        return ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in result.items())

    return "{\n" + ",\n".join(f" {json.dumps(name)}: {{\n{entry(of)}\n }}" for name, of in results.items()) + "\n}\n"


def main():
    jax.config.update("jax_enable_x64", True)
    path = HERE / "likelihoods.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for seed, (name, likelihood, file, formula, density, columns, *data) in enumerate(cases()):
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        x = np.concatenate(columns, axis=1)
        found = moments(sample(density, (x, *data), seed))
        results[name] = {"likelihood": likelihood, "file": file, "formula": formula, **found}
        print(name, len(x), len(found["mean"]), flush=True)
        path.write_text(written(results))


if __name__ == "__main__":
    main()
