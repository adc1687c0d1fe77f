"""Mixed models of known data by vfe and by other means, in one run: means, sds and evidence beside those of
reference.py, seconds beside lme4 (if Rscript and it are found), glmm and gpboost (if they can be imported), which give
a point and no posterior. A fit is right where every mean is within 0.1 sd of the reference and every sd within 5 %,
those of sds and correlations included.

Run: apps/mixed/run first, then build/mixed_python/bin/python apps/mixed/compare.py [--seeds N] [--only NAME,...]
         [--out FILE] (in the project's folder)
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import h5py
import numpy as np
import pandas as pd

import reference
import tables

FOLDER = pathlib.Path("mixed")
os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
VFE = pathlib.Path("build/release/bin/vfe").resolve()
RANKS = 2


class Case:
    """A model: `type` and `formula` as vfe has them, `columns` of the fixed part, `slope` the number whose effects
    differ by group as well, what the reference is told, and how lme4 would write it."""

    def __init__(self, name, table, kind, response, columns, group, slope=None, trials=None, nodes=15, items=None,
                 outer=None, crossed=None, draws=2000):
        self.name, self.table, self.kind, self.response, self.columns = name, table, kind, response, columns
        self.group, self.slope, self.trials, self.nodes, self.items = group, slope, trials, nodes, items
        self.outer, self.crossed, self.draws = outer, crossed, draws
        effects = f"(1 + {slope} | {group})" if slope else f"(1 | {group})"
        if items or crossed:
            effects += f" + (1 | {items or crossed})"
        if outer:
            effects = f"(1 | {outer}/{group})"
        left = f"{response} | trials({trials})" if trials else response
        self.formula = f"{left} ~ {' + '.join(columns + [effects])}"
        self.lme4 = f"{f'cbind({response}, {trials} - {response})' if trials else response} ~ " \
                    f"{' + '.join((columns or ['1']) + [effects])}"

    def data(self):
        table = pd.read_csv(FOLDER / f"{self.table}.csv")
        if "period" in table:  # a factor of four levels
            for level in sorted(table["period"].unique())[1:]:
                table[f"period[{level}]"] = (table["period"] == level).astype(float)
        return table

    def reference(self):
        table = self.data()
        columns = [c for name in self.columns for c in table
                   if c.startswith(name + "[") or (c == name and pd.api.types.is_numeric_dtype(table[c]))]
        X = np.column_stack([np.ones(len(table))] + [table[c] for c in columns])
        Z = np.column_stack([np.ones(len(table))] + ([table[self.slope]] if self.slope else []))
        codes = lambda name: None if name is None else pd.factorize(table[name], sort=True)[0]
        g = table[self.group] if not self.outer else table[self.outer].astype(str) + table[self.group].astype(str)
        linear = self.kind == "linear"
        model = reference.Mixed({"linear": "linear", "poisson": "poisson"}.get(self.kind, "logistic"),
                                table[self.response], X, Z, codes_of(g),
                                trials=None if self.trials is None else table[self.trials], nodes=self.nodes,
                                sd_scale=2.0 if linear else 1.0, items=codes(self.items), outer=codes(self.outer), crossed=codes(self.crossed))
        found, evidence, effective = model.posterior(self.draws)
        names = {"beta0": "intercept", "cor": f"cor_{self.group}", "sigma": "sigma", "sd_items": f"sd_{self.items}",
                 "sd_outer": f"sd_{self.outer}", "sd_crossed": f"sd_{self.crossed}"}
        inner = f"{self.outer}:{self.group}" if self.outer else self.group
        for j, name in enumerate(columns):
            names[f"beta{j + 1}"] = f"beta[{name}]"
        for j, name in enumerate(["intercept", self.slope][:Z.shape[1]]):
            names[f"sd{j}"] = f"sd_{inner}[{name}]"
        moments = {names.get(name, name): value for name, value in found.items() if not name.startswith("b_")}
        return {"moments": moments, "evidence": evidence, "effective": effective}

    def toml(self, seed, directory):
        linear = self.kind == "linear"
        return (f'[data]\nfile = "{self.table}.h5"\n[model]\ntype = "{self.kind}"\nformula = "{self.formula}"\n'
                f'priors_on = "user"\ngroup_prior_scale = {2.0 if linear else 1.0}\n'
                + ("scale_prior_scale = 5.0\n" if linear else "")
                + f'[fit]\nseed = {seed}\n[output]\ndirectory = "{directory}"\n')

    def grouping(self):
        return f"{self.outer}/{self.group}" if self.outer else self.group


CASES = [
    Case("radon", "radon", "linear", "log_radon", ["basement", "uranium"], "county", "basement", draws=4000),
    Case("sleepstudy", "sleepstudy", "linear", "reaction", ["days"], "subject", "days", draws=4000),
    Case("pastes", "pastes", "linear", "strength", [], "cask", outer="batch", draws=4000),
    Case("chem97", "chem97", "linear", "score", ["gcse", "female"], "school", "gcse", draws=1500),
    Case("contraception", "contraception", "logistic", "use", ["age", "age2", "urban", "children"], "district", "urban",
         nodes=11),
    Case("chem97 binary", "chem97", "logistic", "high", ["gcse", "female"], "school", "gcse", nodes=9, draws=500),
    Case("cbpp", "cbpp", "binomial", "ill", ["period"], "herd", trials="size", nodes=21, draws=4000),
    Case("binary groups of 4", "binary", "logistic", "y", ["x"], "g", nodes=21),
    Case("counts in groups of 3", "counts", "poisson", "y", ["x"], "g", nodes=21),
    Case("insteval", "insteval", "linear", "rating", ["service"], "s", crossed="d", draws=250),
    Case("verbagg", "verbagg", "logistic", "yes", [], "id", items="item", nodes=11, draws=6000),
]


def codes_of(column):
    return pd.factorize(column, sort=True)[0]


def run(*command):
    begin = time.time()
    done = subprocess.run([str(c) for c in command], cwd=FOLDER, capture_output=True, text=True)
    return done, time.time() - begin


def fit(case, seed):
    """Moments by name, evidence, grade and seconds of a fit."""
    directory = f"run_{case.name.replace(' ', '_')}_{seed}"
    (FOLDER / "compare.toml").write_text(case.toml(seed, directory))
    done, seconds = run("mpirun", "-n", RANKS, "--oversubscribe", VFE, "fit", "compare.toml", "--overwrite", "--quiet")
    if not (FOLDER / directory / "result.h5").exists():
        return None, None, "failed: " + done.stderr.strip().splitlines()[-1], seconds, None
    told = json.loads(run(VFE, "diagnose", directory, "--json")[0].stdout)
    shown = told["coefficients"] + [c for grouping in told["groupings"] for c in grouping["components"]]
    moments = {q["name"]: (q["mean"], q["sd"]) for q in shown}
    with h5py.File(FOLDER / directory / "result.h5") as file:
        attributes = dict(file["vfe"].attrs)
    text = lambda a: a.decode() if isinstance(a, bytes) else str(a)
    evidence = float(attributes["log_evidence"]), float(attributes["log_evidence_error"])
    return moments, evidence, text(attributes["verdict"]), seconds, int(attributes.get("nodes", 1))


def matched(moments, name):
    """A quantity of that name; of a single effect or pair the entry's label may be left out."""
    if name in moments:
        return moments[name]
    found = [n for n in moments if n.split("[")[0] == name]
    return moments[found[0]] if len(found) == 1 else None


def judge(case, seed, known):
    moments, evidence, verdict, seconds, nodes = fit(case, seed)
    row = {"name": case.name, "seed": seed, "verdict": verdict, "seconds": seconds, "nodes": nodes}
    if moments is None:
        return row
    errors, ratios = {}, {}
    for name, (mean, sd) in known["moments"].items():
        own = matched(moments, name)
        if own is None:
            print(f"{case.name}: no {name} in the result", file=sys.stderr)
            continue
        errors[name], ratios[name] = (own[0] - mean) / sd, own[1] / sd
    row["mean_error"] = max(errors.values(), key=abs)
    row["mean_of"] = max(errors, key=lambda n: abs(errors[n]))
    row["sd_ratio"] = max(ratios.values(), key=lambda r: abs(np.log(r)))
    row["sd_of"] = max(ratios, key=lambda n: abs(np.log(ratios[n])))
    row["evidence"], row["evidence_error"] = evidence[0], evidence[0] - known["evidence"]
    right = abs(row["mean_error"]) < 0.1 and 0.95 < row["sd_ratio"] < 1.05
    trusted = verdict in ("certified", "corrected")
    row["outcome"] = "passed" if trusted and right else "WRONG" if trusted else "flagged"
    return row


def point_estimates(case):
    """Seconds of lme4, glmm and gpboost, where they are there: of the fit alone, without the language's start."""
    seconds = {}
    if shutil.which("Rscript"):
        call = f"lmer({case.lme4}, d, REML = FALSE)" if case.kind == "linear" else \
            f"glmer({case.lme4}, d, family = {'poisson' if case.kind == 'poisson' else 'binomial'})"
        script = f'suppressMessages(library(lme4)); d <- read.csv("{case.table}.csv"); ' \
                 f"t <- system.time(m <- suppressWarnings({call}))[3]; cat(t)"
        done, _ = run("Rscript", "-e", script)
        if done.returncode == 0:
            seconds["lme4"] = float(done.stdout.split()[-1])
    return seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--out", type=pathlib.Path, default=FOLDER / "compare.json")
    arguments = parser.parse_args()
    FOLDER.mkdir(exist_ok=True)
    rows = []
    for case in CASES:
        if arguments.only and case.name not in arguments.only.split(","):
            continue
        if not (FOLDER / f"{case.table}.csv").exists():
            getattr(tables, case.table)().to_csv(FOLDER / f"{case.table}.csv", index=False)
        run(VFE, "import", f"{case.table}.csv", "-o", f"{case.table}.h5", "--overwrite", "--group", case.grouping(),
            "--float64", "--quiet", *(["--factor", case.crossed] if case.crossed else []))
        kept = FOLDER / f"reference_{case.name.replace(' ', '_')}.json"
        if kept.exists():
            known = json.loads(kept.read_text())
        else:
            known = case.reference()
            kept.write_text(json.dumps(known, default=float))
        others = point_estimates(case)
        for seed in range(1, arguments.seeds + 1):
            row = judge(case, seed, known) | {"others": others, "effective": known["effective"]}
            rows.append(row)
            print(json.dumps(row, default=float), flush=True)
    arguments.out.write_text(json.dumps(rows, default=float))
    print(f"\n| {'data':20} | outcome | mean error [sd] | sd ratio | log Z error | nodes | seconds | others |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for case in CASES:
        own = [r for r in rows if r["name"] == case.name]
        if not own:
            continue
        judged = [r for r in own if "outcome" in r]
        outcomes = ", ".join(f"{sum(r.get('outcome') == o for r in own)} {o}" for o in ("passed", "flagged", "WRONG")
                             if any(r.get("outcome") == o for r in own)) or own[0]["verdict"]
        worst = lambda key, size: max((r[key] for r in judged), key=size, default=float("nan"))
        times = ", ".join(f"{name} {value:.2g}" for name, value in own[0]["others"].items())
        print(f"| {case.name:20} | {outcomes} | {worst('mean_error', abs):+.3f} | "
              f"{worst('sd_ratio', lambda r: abs(np.log(r))):.3f} | {worst('evidence_error', abs):+.3f} | "
              f"{own[0]['nodes']} | {min(r['seconds'] for r in own):.1f} to {max(r['seconds'] for r in own):.1f} | "
              f"{times} |")


if __name__ == "__main__":
    main()
