"""What a factor costs as one integer a row: a gradient and the memory of the flights by formula, of the same model as
columns of zeros and ones, and statsmodels' logistic regression of those columns; how far that is from the posterior.

Run: apps/flights/run first, then build/flights_python/bin/python apps/flights/compare.py     (in the project's folder)
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import time

import h5py
import numpy as np
import pandas as pd

FOLDER = pathlib.Path("flights")
os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
VFE = pathlib.Path("build/release/bin/vfe").resolve()
RANKS, SECONDS = 2, 15


def read_table():
    """The rows of the fit as the dataset holds them."""
    with h5py.File(FOLDER / "flights.h5") as file:
        names = [name.decode() for name in file["columns/name"][:]]
        kinds = [kind.decode() for kind in file["columns/type"][:]]
        numbers, codes = file["numbers"][:], file["codes"][:]
        frame, slots = {}, {"number": 0, "factor": 0}
        for name, kind in zip(names, kinds):
            slot = slots[kind]
            slots[kind] += 1
            if kind == "number":
                frame[name] = numbers[:, slot]
            else:
                levels = [level.decode() for level in file[f"levels/{slot}"][:]]
                frame[name] = pd.Categorical.from_codes(codes[:, slot], levels)
    return pd.DataFrame(frame)


def design(table):
    """Columns of zeros and ones, in the order of the formula's coefficients."""
    columns = {"hour": table["hour"].astype("float64")}
    for name in ["origin", "month", "carrier", "dest"]:
        for level in table[name].cat.categories[1:]:
            columns[f"{name}[{level}]"] = (table[name] == level).astype("float64")
    columns["log(distance)"] = np.log(table["distance"].astype("float64"))
    for level in table["origin"].cat.categories[1:]:
        columns[f"hour:origin[{level}]"] = columns["hour"] * columns[f"origin[{level}]"]
    return pd.DataFrame(columns)


def fit_vfe(name, data, formula):
    """The first seconds of a fit: milliseconds of a gradient, and megabytes at the peak of a rank, which each notes."""
    (FOLDER / f"{name}.toml").write_text(
        f'[data]\nfile = "{data}"\n[model]\ntype = "logistic"\nformula = "{formula}"\n'
        f'[fit]\nmax_time = "{SECONDS}s"\n[output]\ndirectory = "{name}"\n')
    peaks = FOLDER / "peaks.txt"
    peaks.unlink(missing_ok=True)
    note = "import resource, subprocess, sys\n" \
        "code = subprocess.call(sys.argv[1:])\n" \
        "open('peaks.txt', 'a').write(f'{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}\\n')\n" \
        "sys.exit(code)"
    done = subprocess.run(["mpirun", "-n", str(RANKS), "--oversubscribe", sys.executable, "-c", note, VFE, "fit",
                           f"{name}.toml", "--overwrite", "--quiet"], cwd=FOLDER, capture_output=True, text=True)
    if done.returncode not in (0, 75):  # finished, or stopped in time
        sys.exit(f"compare: the fit {name} failed\n{done.stdout}{done.stderr}")
    last = json.loads((FOLDER / name / "trace.jsonl").read_text().splitlines()[-1])
    memory = max(int(line) for line in peaks.read_text().split()) / 1024
    return 1000 * last["seconds"] / last["gradients"], memory


def distance_to_mode(table, y):
    """Of each coefficient, in sds, and their names: of standardised numbers, as the priors are."""
    standardised = lambda values: (values - values.mean()) / values.std(ddof=1)
    hour = standardised(table["hour"].to_numpy(dtype="float64"))
    columns = {"intercept": np.ones(len(y)), "hour": hour}
    for name in ["origin", "month", "carrier", "dest"]:
        for level in table[name].cat.categories[1:]:
            columns[f"{name}[{level}]"] = (table[name] == level).to_numpy(dtype="float64")
    columns["log(distance)"] = standardised(np.log(table["distance"].to_numpy(dtype="float64")))
    for level in table["origin"].cat.categories[1:]:
        columns[f"hour:origin[{level}]"] = hour * columns[f"origin[{level}]"]
    x, precision = np.column_stack(list(columns.values())), np.full(len(columns), 1 / 2.5**2)
    precision[0] = 1 / 10**2
    mode = np.zeros(len(columns))
    for _ in range(30):
        p = 1 / (1 + np.exp(-x @ mode))
        hessian = (x.T * (p * (1 - p))) @ x + np.diag(precision)
        mode += np.linalg.solve(hessian, x.T @ (y - p) - precision * mode)
    with h5py.File(FOLDER / "run" / "result.h5") as file:
        names = ["intercept", *(label.decode() for label in file["posterior/predictor"][:])]
        mean, sd = (file[f"vfe/moments/{of}"][:].ravel()[:len(names)] for of in ["mean", "sd"])
    place = {name: i for i, name in enumerate(columns)}
    return np.abs(mean - mode[[place[name] for name in names]]) / sd, names


def main():
    table = read_table()
    x, y = design(table), table["late"].to_numpy(dtype="float64")
    with h5py.File(FOLDER / "columns.h5", "w", libver="latest") as file:
        file.attrs["format"], file.attrs["version"], file.attrs["block_rows"] = "vfe-dataset", 2, 2048
        file.create_dataset("numbers", data=np.column_stack([x, y]).astype("float32"), chunks=(2048, x.shape[1] + 1))
        file["columns/name"] = [*(f"c{j}" for j in range(x.shape[1])), "late"]
    formula = "late ~ hour * origin + month + carrier + dest + log(distance)"
    by_formula = fit_vfe("by_formula", "flights.h5", formula)
    by_columns = fit_vfe("by_columns", "columns.h5", "late")

    import statsmodels.api as sm
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    dense = sm.add_constant(x.to_numpy())
    start = time.perf_counter()
    maximum = sm.Logit(y, dense).fit(disp=False, maxiter=100)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    print(f"{len(y)} rows, {x.shape[1]} coefficients")
    print(f"{'':>36} {'ms a gradient':>14} {'MB at the peak':>15}")
    for name, (milliseconds, memory) in [(f"vfe by formula, each of {RANKS} ranks", by_formula),
                                         (f"vfe of columns, each of {RANKS} ranks", by_columns)]:
        print(f"{name:>36} {milliseconds:14.2f} {memory:15.0f}")
    print(f"{'statsmodels Logit, one process':>36} {'':>14} {peak:15.0f}   its maximum in {seconds:.1f} s")
    apart, names = distance_to_mode(table, y)
    print(f"statsmodels: {'converged' if maximum.mle_retvals['converged'] else 'not converged'} (it knows no priors, and one "
          f"destination has one flight)")
    print(f"posterior means by formula and the mode by Newton's method in numpy, with the same priors: median "
          f"{np.median(apart):.3f} sd apart, most {apart.max():.2f} ({names[int(apart.argmax())]})")


if __name__ == "__main__":
    main()
