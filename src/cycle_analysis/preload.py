"""Import what every notebook uses, once, in the fork server."""

import ipykernel.kernelapp  # noqa: F401
import matplotlib.pyplot  # noqa: F401
import matplotlib_inline.backend_inline  # noqa: F401
import pandas  # noqa: F401
import scipy.cluster.hierarchy  # noqa: F401
import scipy.optimize  # noqa: F401
import scipy.stats  # noqa: F401
import seaborn  # noqa: F401
import sklearn.metrics  # noqa: F401
