"""What a function gave is remembered by its bytes."""

import threading

import numpy as np

from ncengine import datasets
from ncengine.config import RunConfig
from ncengine.datasets.recent import Recent


def remembering(most):
    calls = []

    def zeros(count):
        calls.append(count)
        return bytearray(count)

    return Recent(zeros, size=len, most=most), calls


def test_results_are_remembered_while_they_fit_and_the_oldest_use_goes_first():
    zeros, calls = remembering(100)
    first = zeros(40)
    zeros(50)
    assert zeros(40) is first and calls == [40, 50]
    zeros(60)  # 50 goes, since 40 was used after it
    assert zeros(40) is first and calls == [40, 50, 60]
    zeros(50)
    assert calls == [40, 50, 60, 50]
    assert zeros(40) is first


def test_the_last_result_stays_however_large_and_alone():
    zeros, calls = remembering(100)
    zeros(10)
    large = zeros(1000)
    assert zeros(1000) is large and calls == [10, 1000]
    zeros(10)
    assert zeros(1000) is not large


def test_errors_are_not_remembered_and_a_clear_forgets():
    answers = iter([ValueError("no"), "yes", "again"])

    def ask():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    asking = Recent(ask, size=len, most=100)
    try:
        asking()
    except ValueError:
        pass
    assert asking() == asking() == "yes"
    asking.cache_clear()
    assert asking() == "again"


def test_threads_that_ask_at_once_get_one_object():
    together = threading.Barrier(4)

    def slow():
        together.wait(5)
        return bytearray(1)

    asking, found = Recent(slow, size=len, most=1), []
    threads = [threading.Thread(target=lambda: found.append(asking())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and all(one is found[0] for one in found)


def test_samples_count_with_inputs_and_pictures():
    data = datasets.load(RunConfig(samples_per_class=3))
    pixels = 64 * (30 + 200)
    assert data.nbytes == pixels * (np.dtype(np.float32).itemsize + 1)
