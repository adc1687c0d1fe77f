# What people do with a result in ArviZ, 0.23 or 1.x: summary, loo, sensitivity to the prior, plots.
# Run: arviz_check.py RESULT VERSION
import sys
import warnings

import matplotlib

matplotlib.use("Agg")
import arviz as az
import numpy as np
from matplotlib import pyplot

result, version = sys.argv[1:]
assert az.__version__.startswith(version), az.__version__
warnings.simplefilter("ignore")  # of rows that k-hat of loo stumbles over

data = az.from_netcdf(result)
groups = {name.strip("/") for name in (data.groups() if callable(data.groups) else data.groups)} - {""}
groups = {name for name in groups if not name.startswith("vfe/")}
assert groups == {"posterior", "sample_stats", "log_prior", "log_likelihood", "posterior_predictive",
                  "observed_data", "vfe"}, groups
posterior = data["posterior"]
assert list(posterior.attrs["sample_dims"]) == ["chain", "draw"]
sampled = list(np.atleast_1d(posterior.attrs["sampled_variables"]))
assert sampled[:2] == ["intercept", "beta"] and "beta_original" not in sampled, sampled
assert "no Markov chains" in posterior.attrs["chains"]
assert "shifted and scaled" in posterior.attrs["moments"], posterior.attrs["moments"]
assert posterior.sizes["chain"] == 4
assert set(data["log_prior"].data_vars) == set(sampled)

# The numbers are those that are certified.
table = az.summary(data, round_to="none")
certified = data["vfe"]["moments"] if "moments" in data["vfe"] else None
if certified is None:  # 0.23 reads no groups within groups
    import h5py
    with h5py.File(result) as file:
        certified = {name: file["vfe/moments"][name][:] for name in ["mean", "sd"]}
mean, sd = (np.ravel(certified[name]) for name in ["mean", "sd"])
assert len(table) == len(mean)
np.testing.assert_allclose(table["mean"], mean, rtol=0, atol=1e-9 * sd.max())
np.testing.assert_allclose((table["mean"] - mean) / sd, 0, atol=1e-9)
np.testing.assert_allclose(table["sd"] / sd, 1, rtol=2e-3 if version[0] == "1" else 1e-9)  # 1.x divides by S
assert (np.abs(table["r_hat"] - 1) < 0.02).all(), table["r_hat"]

# What is simulated looks like what was observed, and is of the same kind.
observed, simulated = data["observed_data"]["y"], data["posterior_predictive"]["y"]
assert observed.dtype == simulated.dtype
assert simulated.dims == ("chain", "draw", "obs_id") and simulated.sizes["obs_id"] == observed.sizes["obs_id"]
assert 0.85 < float(simulated.std() / observed.std()) < 1.15
low, high = np.quantile(simulated.values.reshape(-1, observed.size), [0.05, 0.95], axis=0)
inside = float(((low <= observed.values) & (observed.values <= high)).mean())
assert 0.84 < inside < 0.99, inside

loo = az.loo(data, pointwise=True)
elpd = loo.elpd if version[0] == "1" else loo.elpd_loo
total = float(data["log_likelihood"]["y"].mean(("chain", "draw")).sum())
assert total - 30 < elpd < total, (elpd, total)

one, two, all_of = {"var_names": ["intercept"]}, {"var_names": ["intercept", "beta"]}, {}
if version[0] == "1":
    sensitivity = az.psense_summary(data, **two)
    assert (sensitivity["likelihood"] > 0.05).all() and (sensitivity["prior"] < 0.05).all(), sensitivity
    plots = {"dist": two, "forest": all_of, "ridge": two, "trace": one, "trace_dist": two, "rank": two,
             "rank_dist": one, "pair": one | two, "autocorr": one, "ess": one, "mcse": one,
             "ess_evolution": one, "convergence_dist": all_of, "ppc_dist": {"num_samples": 20},
             "ppc_tstat": all_of, "psense_dist": one, "psense_quantities": one}
else:
    sensitivity = az.psens(data, component="prior", **two)
    assert float(sensitivity["intercept"]) < 0.05, sensitivity
    plots = {"posterior": two, "density": two, "forest": all_of, "trace": two,
             "rank": two, "pair": two, "violin": two, "autocorr": one, "ess": one, "mcse": one,
             "ppc": {"num_pp_samples": 20}, "bpv": all_of, "loo_pit": {"y": "y"}, "khat": None, "ecdf": None}
assert len(plots) >= 15
for name, options in plots.items():
    draw = getattr(az, "plot_" + name)
    if name == "khat":
        draw(loo)
    elif name == "ecdf":
        draw(posterior["intercept"].values.ravel())
    else:
        draw(data, **options)
    pyplot.close("all")
print(f"ArviZ {az.__version__}: {len(plots)} plots")
