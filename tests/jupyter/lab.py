"""Talks to a JupyterLab server through its REST and WebSocket interface, as its page does.

    python lab.py URL TOKEN execute PATH OUT    # runs the notebook at PATH, writes the result to OUT
    python lab.py URL TOKEN edit PATH OLD NEW   # replaces OLD by NEW in the one cell that has it, saves
    python lab.py URL TOKEN stop                # ends the server
"""

import json
import sys
import urllib.parse
import urllib.request
import uuid

import websocket

url, token, command, *rest = sys.argv[1:]


def rest_call(method, path, body=None):
    request = urllib.request.Request(
        url + "api/" + urllib.parse.quote(path),
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"token {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=600) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def execute(path, out):
    kernels = rest_call("GET", "kernelspecs")["kernelspecs"]
    assert kernels["rust"]["spec"]["language"] == "rust", kernels
    notebook = rest_call("GET", f"contents/{path}")["content"]
    session = rest_call(
        "POST",
        "sessions",
        {"path": path, "name": path, "type": "notebook", "kernel": {"name": "rust"}},
    )
    kernel, name = session["kernel"]["id"], str(uuid.uuid4())
    socket = websocket.create_connection(
        f"{url.replace('http', 'ws', 1)}api/kernels/{kernel}/channels?session_id={name}&token={token}",
        timeout=3600,
    )
    try:
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["execution_count"], cell["outputs"] = run(socket, name, "".join(cell["source"]))
    finally:
        socket.close()
        rest_call("DELETE", f"sessions/{session['id']}")
    left = [k["id"] for k in rest_call("GET", "kernels")]
    assert kernel not in left, "the kernel outlives its session"
    with open(out, "w") as file:
        json.dump(notebook, file)


def send(socket, session, kind, content):
    message = str(uuid.uuid4())
    header = {"msg_id": message, "msg_type": kind, "session": session, "username": "", "version": "5.3", "date": ""}
    socket.send(
        json.dumps(
            {
                "header": header,
                "parent_header": {},
                "metadata": {},
                "content": content,
                "channel": "shell",
                "buffers": [],
            }
        )
    )
    return message


def answers(socket, until):
    """The messages up to the end of the request `until`."""
    idle = replied = False
    while not (idle and replied):
        message = json.loads(socket.recv())
        mine = message["parent_header"].get("msg_id") == until
        replied |= mine and message["channel"] == "shell"
        idle |= mine and message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
        yield message


def run(socket, session, code):
    content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": False}
    mine = send(socket, session, "execute_request", content)
    count, outputs = None, []

    def take(message):
        nonlocal count
        if message["parent_header"].get("msg_id") != mine:
            return
        kind, body = message["msg_type"], message["content"]
        if kind == "stream":
            outputs.append({"output_type": "stream", "name": body["name"], "text": body["text"]})
        elif kind in ("execute_result", "display_data"):
            output = {"output_type": kind, "data": body["data"], "metadata": body["metadata"]}
            if kind == "execute_result":
                output["execution_count"] = body["execution_count"]
            outputs.append(output)
        elif kind == "error":
            keep = ("ename", "evalue", "traceback")
            outputs.append({"output_type": kind, **{k: body[k] for k in keep}})
        elif kind == "execute_reply":
            count = body.get("execution_count")

    for message in answers(socket, mine):
        take(message)
    # evcxr passes printed text on beside its answers: it may come late
    socket.settimeout(0.2)
    try:
        while True:
            take(json.loads(socket.recv()))
    except websocket.WebSocketTimeoutException:
        pass
    socket.settimeout(3600)
    return count, outputs


def edit(path, old, new):
    model = rest_call("GET", f"contents/{path}")
    cells = [c for c in model["content"]["cells"] if old in "".join(c["source"])]
    assert len(cells) == 1, f"{len(cells)} cells hold {old!r}"
    cells[0]["source"] = "".join(cells[0]["source"]).replace(old, new)
    saved = rest_call("PUT", f"contents/{path}", {"type": "notebook", "format": "json", "content": model["content"]})
    assert saved["path"] == path, saved


def stop():
    rest_call("POST", "shutdown")


{"execute": execute, "edit": edit, "stop": stop}[command](*rest)
