"""Runs a notebook with nbclient, as a reader's own tools would.

    python execute.py NOTEBOOK FOLDER OUT    # the kernel starts in FOLDER, the result goes to OUT
"""

import queue
import sys

import nbclient
import nbformat
from jupyter_client.utils import ensure_async

notebook, folder, out = sys.argv[1:]
book = nbformat.read(notebook, as_version=4)
for cell in book.cells:
    if cell.cell_type == "code":
        cell.outputs, cell.execution_count = [], None


async def settle(cell, cell_index, execute_reply):
    """Takes what comes late: evcxr passes printed text on beside its answers, and nbclient goes on at the answer."""
    mine = execute_reply["parent_header"]["msg_id"]
    while True:
        try:
            message = await ensure_async(client.kc.get_iopub_msg(timeout=0.2))
        except queue.Empty:
            return
        if message["parent_header"].get("msg_id") == mine:
            client.process_message(message, cell, cell_index)


client = nbclient.NotebookClient(
    book,
    timeout=3600,
    startup_timeout=600,
    kernel_name="rust",
    resources={"metadata": {"path": folder}},
    on_cell_executed=settle,
)
client.execute()
nbformat.write(book, out)
