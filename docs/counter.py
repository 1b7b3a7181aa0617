#!/usr/bin/env python3
"""A render-queue counter that survives whatever happens to the server: callboard serve --task counter.py"""
import json, sys

STATE = "/queue/counter"
CALLS = [{"name": "counter.add", "summary": "adds to the counter and says what it is", "category": "queue",
          "state": STATE, "args": [{"name": "number", "type": "int", "default": 1}], "result": "int"}]

for line in sys.stdin:
    said = json.loads(line)
    if said["do"] == "init":
        answer = {"calls": CALLS, "states": {STATE: {"count": 0}}}
    elif said["do"] == "call":
        count = said["state"]["count"] + said["arguments"]["number"]
        answer = {"call": said["call"], "result": count, "state": {"count": count}}
    elif said["do"] == "exit":
        answer = {"states": {STATE: said["states"][STATE] | {"at_rest": True}}}
    else:
        continue
    print(json.dumps(answer), flush=True)
