"""Threads answer as soon as one task is done, and never wait for the others."""

import time
from threading import Event, Timer

from cycle_analysis.running.tasks import PATIENCE, PromptThreads


def test_a_question_waits_for_the_first_task_that_is_done_and_not_for_the_others():
    hold, first = Event(), Event()
    with PromptThreads(2) as threads:
        slow, quick = threads.submit(hold.wait), threads.submit(first.wait)
        first.set()
        started = time.perf_counter()
        assert not slow.done()
        assert quick.done()
        assert not slow.done()
        assert time.perf_counter() - started < PATIENCE
        hold.set()
        assert slow.done()


def test_a_question_waits_for_a_long_task_however_long():
    hold = Event()
    with PromptThreads(1) as threads:
        slow = threads.submit(hold.wait)
        Timer(2.5 * PATIENCE, hold.set).start()
        started = time.perf_counter()
        assert slow.done()
        assert time.perf_counter() - started > 2 * PATIENCE


def test_what_a_task_gives_or_raises_comes_through():
    with PromptThreads(2) as threads:
        fine, wrong = threads.submit(int, "3"), threads.submit(int, "x")
        assert fine.result() == 3
        assert isinstance(wrong.exception(), ValueError)
