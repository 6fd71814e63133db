"""Fit profiles of true values by astroML's extreme deconvolution: for tests of `mixtures.measured`.

python deconvolution.py     needs astroML (2-clause BSD); writes deconvolution.csv and
deconvolution_fits.csv beside it.
"""

from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
WITHIN = np.array([[0.5, 0.2, 0.1], [0.2, 0.4, 0.1], [0.1, 0.1, 0.3]])
"""Error covariance of one respondent."""


def main():
    from astroML.density_estimation import XDGMM

    rng = np.random.default_rng(2018)
    n, means = 160, np.array([[-1.0, -0.8, -1.2], [1.0, 0.4, 0.9]])
    respondents = rng.integers(1, 6, n)
    true = means[rng.integers(0, 2, n)] + rng.normal(0, 0.4, (n, 3))
    noise = rng.multivariate_normal(np.zeros(3), WITHIN, n) / np.sqrt(respondents)[:, None]
    table = pd.DataFrame((true + noise).round(4), columns=["A", "B", "C"])
    table.assign(respondents=respondents).to_csv(HERE / "deconvolution.csv", index=False)
    errors = WITHIN / respondents[:, None, None]
    rows = []
    for k in (1, 2):
        model = XDGMM(k, max_iter=4000, tol=1e-10, random_state=1).fit(table.to_numpy(), errors)
        found = model.logL(table.to_numpy(), errors)
        for j in np.argsort(model.mu.mean(axis=1)):
            mean = dict(zip(("mean_A", "mean_B", "mean_C"), model.mu[j], strict=True))
            spread = {f"cov_{a}{b}": model.V[j, a, b] for a in range(3) for b in range(a + 1)}
            rows.append(
                {"k": k, "log_likelihood": found, "share": model.alpha[j], **mean, **spread}
            )
    pd.DataFrame(rows).round(8).to_csv(HERE / "deconvolution_fits.csv", index=False)


if __name__ == "__main__":
    main()
