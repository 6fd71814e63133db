"""Import what every notebook uses, once, in the fork server.

Not the inline backend of matplotlib: it ties itself to the kernel in which it is first imported.
"""

from importlib import import_module

NAMES = (
    "cycle_analysis.notebook",
    "cycle_analysis.report",
    "ipykernel.kernelapp",
    "matplotlib.pyplot",
    "pandas",
    "scipy.cluster.hierarchy",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.metrics",
)

for name in NAMES:
    import_module(name)
