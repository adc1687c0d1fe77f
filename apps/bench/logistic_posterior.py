"""Time to a logistic posterior, vfe beside NumPyro, and how far the marginals of both are from the truth.

Run through apps/bench/bench_numpyro, which puts vfe in PATH and installs what is imported here.

vfe: full_rank, synchronous, on 2 ranks. Two times: the whole command, from mpirun to the written result with its
verdict; and to q, from reading the data to the last step of the optimisation, which is what NumPyro's time stands for.
NumPyro: AutoMultivariateNormal, Adam with a rate that falls from 0.02 along a cosine over 15,000 steps, in its default
single precision, on all cores; only the optimisation is timed, with and without compilation.
Truth: Newton's mode and inverse Hessian, corrected by importance sampling with the Newton posterior's exact moments as
control variates.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro.infer import SVI, Trace_ELBO
from numpyro.infer.autoguide import AutoMultivariateNormal

SCHEDULE = 15000
PRIOR_SCALE, INTERCEPT_PRIOR_SCALE = 2.5, 10.0

CONFIG = f"""
[data]
file = "data.h5"
[model]
type = "logistic"
formula = "y"
prior_scale = {PRIOR_SCALE}
intercept_prior_scale = {INTERCEPT_PRIOR_SCALE}
[family]
type = "full_rank"
[fit]
mode = "synchronous"
[output]
directory = "run"
"""


def fit_vfe(folder, ranks, repeats):
    """Median seconds of the whole command and to q, and mean and sd of q from lambda (mean, log diagonal, ...)."""
    (folder / "fit.toml").write_text(CONFIG)
    seconds, seconds_to_q = [], []
    for _ in range(repeats):
        start = time.perf_counter()
        command = ["mpirun", "-n", str(ranks), "--oversubscribe", "vfe", "fit", "fit.toml", "--overwrite", "--accept-rejected"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
        steps = (folder / "run" / "trace.jsonl").read_text().splitlines()
        seconds_to_q.append(json.loads(steps[-1])["seconds"])
    with h5py.File(folder / "run" / "result.h5") as file:
        lam = np.asarray(file["vfe/lambda"]).ravel()
        verdict = file["vfe"].attrs["verdict"]
    d = int((np.sqrt(9 + 8 * len(lam)) - 3) / 2)  # len = d + d (d + 1) / 2
    factor = np.diag(np.exp(lam[d : 2 * d]))
    rows, columns = np.tril_indices(d, -1)
    by_columns = np.lexsort((rows, columns))
    factor[rows[by_columns], columns[by_columns]] = lam[2 * d :]
    times = statistics.median(seconds), statistics.median(seconds_to_q)
    return *times, lam[:d], np.sqrt((factor**2).sum(axis=1)), verdict


def fit_numpyro(x, y, prior_sd, steps):
    """Seconds to compile, seconds to run, and mean and sd of q."""

    def model(x, y):
        theta = numpyro.sample("theta", dist.Normal(0.0, prior_sd).to_event(1))
        numpyro.sample("y", dist.Bernoulli(logits=x @ theta), obs=y)

    guide = AutoMultivariateNormal(model)
    rate = lambda step: 0.01 * (1.0 + jnp.cos(jnp.pi * step / SCHEDULE))  # 0.02 to 0
    svi = SVI(model, guide, numpyro.optim.Adam(rate), Trace_ELBO())
    x, y, prior_sd = (jnp.asarray(values, dtype=jnp.float32) for values in (x, y, prior_sd))

    def run(state, x, y):
        return jax.lax.fori_loop(0, steps, lambda _, state: svi.update(state, x, y)[0], state)

    start = time.perf_counter()
    state = svi.init(jax.random.PRNGKey(1), x, y)
    compiled = jax.jit(run).lower(state, x, y).compile()
    compile_seconds = time.perf_counter() - start
    start = time.perf_counter()
    state = jax.block_until_ready(compiled(state, x, y))
    run_seconds = time.perf_counter() - start
    posterior = guide.get_posterior(svi.get_params(state))
    return compile_seconds, run_seconds, np.asarray(posterior.mean), np.sqrt(np.diag(posterior.covariance_matrix))


def true_moments(x, y, prior_sd, draws=4096):
    """Mean and sd of the posterior, and the largest correction [sd] that importance sampling made to Newton's."""
    d = x.shape[1]
    theta = np.zeros(d)
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-(x @ theta)))
        hessian = (x * (p * (1.0 - p))[:, None]).T @ x + np.diag(prior_sd**-2.0)
        step = np.linalg.solve(hessian, x.T @ (y - p) - theta / prior_sd**2)
        theta = theta + step
        if np.abs(step).max() < 1e-10:
            break
    factor = np.linalg.cholesky(np.linalg.inv(hessian))
    sd = np.sqrt((factor**2).sum(axis=1))

    half = np.random.default_rng(1).standard_normal((d, draws // 2))
    noise = np.concatenate([half, -half], axis=1)
    points = theta[:, None] + factor @ noise
    log_weight = 0.5 * (noise**2).sum(axis=0) - 0.5 * ((points / prior_sd[:, None]) ** 2).sum(axis=0)
    for begin in range(0, len(y), 5000):
        eta = x[begin : begin + 5000] @ points
        log_weight += y[begin : begin + 5000] @ eta - np.logaddexp(0.0, eta).sum(axis=0)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    z = (points - theta[:, None]) / sd[:, None]
    first = z @ weight - z.mean(axis=1)  # Newton's own first moment is 0, its second 1
    second = 1.0 + (z**2) @ weight - (z**2).mean(axis=1)
    ratio = np.sqrt(second - first**2)
    return theta + first * sd, ratio * sd, np.abs(first).max(), np.abs(ratio - 1.0).max()


def error_text(mean, sd, true_mean, true_sd):
    return (
        f"{np.abs((mean - true_mean) / true_sd).max():.3f} sd in the means, "
        f"{100 * np.abs(sd / true_sd - 1).max():.1f} % in the sds"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=SCHEDULE, help="of NumPyro; fewer are extrapolated")
    parser.add_argument("--rows", type=int, default=100000)
    parser.add_argument("--columns", type=int, default=28)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3, help="of vfe's fit; the median counts")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="vfe_bench_") as name:
        folder = pathlib.Path(name)
        simulate = ["vfe", "simulate", "logistic", "-o", "data.h5", "--seed", "1"]
        simulate += ["--rows", str(options.rows), "--columns", str(options.columns)]
        subprocess.run(simulate, cwd=folder, check=True, capture_output=True)
        with h5py.File(folder / "data.h5") as file:
            x = np.asarray(file["numbers"], dtype=np.float64)[:, :-1]
            y = np.asarray(file["numbers"], dtype=np.float64)[:, -1]
        vfe_seconds, vfe_seconds_to_q, vfe_mean, vfe_sd, verdict = fit_vfe(folder, options.ranks, options.repeats)
    x = np.column_stack([np.ones(len(y)), x])
    prior_sd = np.concatenate([[INTERCEPT_PRIOR_SCALE], np.full(options.columns, PRIOR_SCALE)])

    true_mean, true_sd, mean_correction, sd_correction = true_moments(x, y, prior_sd)
    compile_seconds, run_seconds, mean, sd = fit_numpyro(x, y, prior_sd, options.steps)
    full_seconds = run_seconds * SCHEDULE / options.steps

    print(f"logistic regression, {options.rows} rows x {options.columns} columns, full-rank Gaussian")
    print(f"importance sampling corrects Newton's posterior by {mean_correction:.4f} sd, {100 * sd_correction:.2f} %\n")
    print(f"vfe {vfe_version()}, {options.ranks} ranks: {vfe_seconds_to_q:.2f} s to q, ", end="")
    print(f"{vfe_seconds:.2f} s the whole command ({verdict})")
    print(f"  largest error {error_text(vfe_mean, vfe_sd, true_mean, true_sd)}")
    print(f"NumPyro {numpyro.__version__}, JAX {jax.__version__}: {run_seconds:.1f} s for {options.steps} steps, ", end="")
    print(f"compilation {compile_seconds:.1f} s")
    print(f"  largest error after these steps {error_text(mean, sd, true_mean, true_sd)}")
    if options.steps != SCHEDULE:
        print(f"  EXTRAPOLATED from {options.steps} steps to {SCHEDULE}: {full_seconds:.1f} s")
    for name, seconds in [("to q", vfe_seconds_to_q), ("the whole command", vfe_seconds)]:
        print(f"NumPyro over vfe, {name}: {full_seconds / seconds:.0f} times without compilation, ", end="")
        print(f"{(full_seconds + compile_seconds) / seconds:.0f} times with it")


def vfe_version():
    """What `vfe --version` says."""
    return subprocess.run(["vfe", "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]


main()
