"""Import what every notebook uses, once, in the fork server."""

from importlib import import_module

for name in (
    "ipykernel.kernelapp",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "pandas",
    "scipy.cluster.hierarchy",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.metrics",
):
    import_module(name)
