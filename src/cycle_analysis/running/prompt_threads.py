"""Run tasks in threads, and know at once when one of them is done.

pytask-parallel asks each running task whether it is done, and sleeps up to a second before it asks
again: a fifth of a run of short notebooks. Here the first question of a round waits for an answer.
"""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from pytask_parallel import ParallelBackend, WorkerType, registry

PATIENCE = 1.0
"""Seconds that a question waits at most, so that Ctrl-C is heard on every system."""


class PromptThreads(ThreadPoolExecutor):
    """Threads whose futures wait for one of them before they say that they are not done."""

    def __init__(self, n_workers: int):
        super().__init__(n_workers)
        self._running: set[Future[Any]] = set()
        self._one_was_done = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function in a thread."""
        future = super().submit(fn, *args, **kwargs)
        self._running.add(future)
        is_done = future.done

        def done() -> bool:
            if not self._one_was_done:  # else what follows from it must not wait for the others
                wait(self._running, PATIENCE, FIRST_COMPLETED)
            self._one_was_done = is_done()
            if self._one_was_done:
                self._running.discard(future)
            return self._one_was_done

        future.done = done  # type: ignore[method-assign]
        return future


def use_prompt_threads() -> ParallelBackend:
    """Make pytask-parallel use these threads; give the name by which a build asks for them."""
    registry.register_parallel_backend(
        ParallelBackend.CUSTOM, PromptThreads, worker_type=WorkerType.THREADS
    )
    return ParallelBackend.CUSTOM
