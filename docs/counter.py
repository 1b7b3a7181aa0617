#!/usr/bin/env python3
"""A render-queue counter that survives whatever happens to the server: callboard serve --task counter.py"""
import json
import sys

CALLS = [{"name": "counter.add", "summary": "adds to the counter and says what it is", "category": "queue",
          "state": "/queue/counter", "args": [{"name": "number", "type": "int", "default": 1}], "result": "int"}]

for line in sys.stdin:
    said = json.loads(line)
    if said["do"] == "init":
        answer = {"calls": CALLS, "states": {"/queue/counter": 0}}
    elif said["do"] == "call":
        count = said["state"] + said["arguments"]["number"]
        answer = {"call": said["call"], "result": count, "state": count}
    else:
        continue
    print(json.dumps(answer), flush=True)
