"""Covariances in unconstrained coordinates: Cholesky factors, the diagonal by its logarithm."""

import numpy as np

LOG_2PI = float(np.log(2 * np.pi))


def factors_of(coordinates: np.ndarray, p: int) -> np.ndarray:
    """Cholesky factors, k × B × p × p, of log-Cholesky coordinates, t × k × B."""
    rows, columns = np.tril_indices(p)
    factors = np.zeros((*coordinates.shape[1:], p, p))
    logs = np.moveaxis(coordinates, 0, -1).copy()
    logs[..., rows == columns] = np.exp(logs[..., rows == columns])
    factors[..., rows, columns] = logs
    return factors


def coordinates_of(factors: np.ndarray) -> np.ndarray:
    """Log-Cholesky coordinates, t × k × B, of Cholesky factors, k × B × p × p."""
    rows, columns = np.tril_indices(factors.shape[-1])
    logs = factors[..., rows, columns]
    logs[..., rows == columns] = np.log(logs[..., rows == columns])
    return np.ascontiguousarray(np.moveaxis(logs, -1, 0))


def floored_factors(covariances: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Cholesky factors of the covariances with eigenvalues (in floor units) of at least 1."""
    scale = np.sqrt(np.outer(floor, floor))
    try:
        np.linalg.cholesky(covariances - np.diag(floor))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariances / scale)
        values = np.maximum(values, 1.0)
        covariances = scale * (vectors * values[..., None, :] @ np.swapaxes(vectors, -1, -2))
    return np.linalg.cholesky(covariances)
