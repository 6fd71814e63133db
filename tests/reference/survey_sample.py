"""Draw the sample that survey_weights.R weighs: response depends on size, profile on both margins.

Run once: ``python survey_sample.py``; survey_sample.csv and survey_population.csv are kept.
"""

from pathlib import Path

import numpy as np

from cycle_analysis.units import collapse_background, load_register

HERE = Path(__file__).parent
rng = np.random.default_rng(342)
population = collapse_background(load_register().on("2026-01-01"))[["size", "region"]]
chance = population["size"].cat.codes * 0.15 + population["region"].cat.codes * 0.05 + 0.2
sample = population[rng.random(len(population)) < chance]
level = sample["size"].cat.codes * 0.4 + rng.normal(size=len(sample))
sample = sample.assign(profile=np.digitize(level, [-0.2, 0.9, 2.4]) + 1)
sample.to_csv(HERE / "survey_sample.csv")
population.to_csv(HERE / "survey_population.csv")
