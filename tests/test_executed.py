"""What differs between two executions of a notebook is not kept."""

import asyncio
import queue

import pytest
from nbclient.exceptions import DeadKernelError
from small_studies import write_notebook

from cycle_analysis.running.kernels import PROVISIONER, PromptClient, execute_notebook, tidied


def executed(time, address, place, first):
    """A notebook as papermill leaves it, executed at some time and place."""
    file = f"{place}/ipykernel_{int(address, 16)}/1.py"
    streams = [{"output_type": "stream", "name": n, "text": f"{n} of {file}:3"} for n in first]
    table = {"text/html": f'<style>#T_{address[:5]}_row0</style><table id="T_{address[:5]}">'}
    shown = {"output_type": "display_data", "data": table, "metadata": {}}
    result = {
        "output_type": "execute_result",
        "data": {"text/plain": f"<A at 0x{address}> in {place}/data", "image/png": "0x" + "aa" * 4},
    }
    cell = {
        "id": address,
        "metadata": {"execution": {"at": time}, "papermill": {"start_time": time}, "tags": ["a"]},
        "outputs": [*streams, shown, result],
        "source": "1",
    }
    return {"cells": [cell], "metadata": {"papermill": {"end_time": time}, "kernelspec": {}}}


def test_two_executions_are_one_file_and_what_was_found_stays():
    one = executed("10:00", "7f1ee629d2f0", "/home/a", ["stdout", "stderr"])
    other = executed("11:00", "12345678abcd", "/tmp/b c", ["stderr", "stdout"])
    first, second = tidied(one, ["/home/a"]), tidied(other, ["/tmp/b c"])
    assert first == second
    (cell,) = first["cells"]
    assert cell["metadata"] == {"tags": ["a"]}
    assert [output.get("name") for output in cell["outputs"]] == ["stderr", "stdout", None, None]
    assert cell["outputs"][3]["data"] == {
        "text/plain": "<A at 0x…> in …/data",
        "image/png": "0xaaaaaaaa",
    }
    assert "outputs" in one["cells"][0], "the notebook given is left alone"
    assert one["metadata"]["papermill"] == {"end_time": "10:00"}


class Answering(PromptClient):
    """A client of a kernel whose answers, and outputs, come as they are given; then it is dead."""

    def __init__(self, answers, outputs):
        super().__init__()
        self.answers, self.outputs, self.asked = answers, outputs, 0

    def kernel_info(self):
        self.asked += 1

    async def is_alive(self):
        return bool(self.answers)

    async def get_shell_msg(self, timeout):
        await asyncio.sleep(0)
        return _next(self.answers)

    async def get_iopub_msg(self, timeout):
        return _next(self.outputs)


def _next(ahead):
    if not ahead or not ahead.pop(0):
        raise queue.Empty
    return {"content": {"protocol_version": "5.4"}}


@pytest.mark.parametrize(
    ("answers", "outputs", "asked"),
    [([True], [True], 1), ([False, True], [True], 2), ([True, True], [False, True], 2)],
)
def test_a_kernel_is_asked_until_it_answers_and_its_outputs_arrive(answers, outputs, asked):
    client = Answering(answers=answers, outputs=outputs)
    asyncio.run(client.wait_for_ready(timeout=60))
    assert client.asked == asked
    assert not answers
    assert not outputs


def test_a_kernel_that_ended_or_never_answers_is_waited_for_no_longer():
    with pytest.raises(DeadKernelError):
        asyncio.run(Answering(answers=[True], outputs=[False]).wait_for_ready(timeout=60))
    with pytest.raises(TimeoutError):
        asyncio.run(Answering(answers=[False, True], outputs=[]).wait_for_ready(timeout=0))


def test_a_kernel_that_is_not_forked_tells_nothing_in_the_terminal_either(
    tmp_path, monkeypatch, capfd
):
    """As on Windows and macOS, where each would warn that it listens to this machine alone."""
    monkeypatch.delenv(PROVISIONER, raising=False)
    source, top = tmp_path / "nb.ipynb", tmp_path / "data" / "processed" / "study"
    write_notebook(source, code1="print(1)")
    execute_notebook(source, top / "nb.ipynb", {}, "09", top)
    assert capfd.readouterr() == ("", "")
