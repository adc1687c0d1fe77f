"""What a factor costs as one integer a row: the flights by formula, the same model of columns of zeros and ones, and
statsmodels' logistic regression of those columns; seconds and memory of each, and how far their answers are apart.

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
RANKS = 2


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


def seconds_of(*command):
    start = time.perf_counter()
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"compare: {' '.join(map(str, command))} failed\n{done.stdout}{done.stderr}")
    return time.perf_counter() - start


def fit_vfe(name, data, formula):
    """A fit on ranks of which each notes its own peak."""
    config = f'[data]\nfile = "{data}"\n[model]\ntype = "logistic"\nformula = "{formula}"\n[output]\ndirectory = "{name}"\n'
    (FOLDER / f"{name}.toml").write_text(config)
    peak = FOLDER / "peaks.txt"
    peak.unlink(missing_ok=True)
    note = "import os,resource,subprocess,sys; code=subprocess.call(sys.argv[1:]); " + \
        "open('peaks.txt','a').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)+'\\n'); sys.exit(code)"
    seconds = seconds_of("mpirun", "-n", str(RANKS), "--oversubscribe", sys.executable, "-c", note, str(VFE), "fit",
                         f"{name}.toml", "--overwrite", "--quiet")
    verdict = json.loads(subprocess.run([VFE, "diagnose", name, "--json"], cwd=FOLDER, capture_output=True,
                                        text=True).stdout)
    memory = max(int(line) for line in peak.read_text().split()) / 1024
    return seconds, memory, verdict


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
    print(f"{'':>34} {'seconds':>8} {'MB, largest process':>20} {'gradients':>10}  verdict")
    for name, (time_taken, memory, verdict) in [(f"vfe by formula, {RANKS} ranks", by_formula),
                                                (f"vfe of columns, {RANKS} ranks", by_columns)]:
        print(f"{name:>34} {time_taken:8.1f} {memory:20.0f} {verdict['gradients']:10}  {verdict['verdict']}")
    print(f"{'statsmodels Logit, maximum alone':>34} {seconds:8.1f} {peak:20.0f}  (of which {before:.0f} before)")
    names = ["intercept", *(f"beta[{name}]" for name in x.columns)]
    found = {one["name"]: one for one in by_formula[2]["coefficients"]}
    apart = [(abs(found[name]["mean"] - value) / found[name]["sd"], name)
             for name, value in zip(names, maximum.params)]
    apart.sort()
    print(f"posterior means and maximum: median {apart[len(apart) // 2][0]:.2f} sd apart, most {apart[-1][0]:.2f} sd "
          f"({apart[-1][1]}), of {len(apart)} coefficients")


if __name__ == "__main__":
    main()
