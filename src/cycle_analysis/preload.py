"""Import what every notebook uses, once, in the fork server.

Not the inline backend of matplotlib: it ties itself to the kernel in which it is first imported.
"""

from importlib import import_module

for name in (
    "ipykernel.kernelapp",
    "matplotlib.pyplot",
    "pandas",
    "scipy.cluster.hierarchy",
    "scipy.optimize",
    "scipy.stats",
    "sklearn.metrics",
):
    import_module(name)
