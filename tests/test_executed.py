"""What differs between two executions of a notebook is not kept."""

from cycle_analysis.running.kernels import tidied


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
