#!/usr/bin/env python3
"""Votes on reviews, counted where nobody else writes: callboard serve --schema votes.json --task tally.py"""
import json, sys

CALLS = [{"name": "review.vote", "summary": "one vote more for a shot", "category": "reviews", "state": "/tally",
          "args": [{"name": "shot", "type": "text"}], "result": "int"}]

for line in sys.stdin:
    said = json.loads(line)
    if said["do"] == "init":
        answer = {"calls": CALLS, "states": {"/tally": {}}}
    elif said["do"] == "call":
        shot = said["arguments"]["shot"]
        votes = said["state"].get(shot, 0) + 1
        answer = {"call": said["call"], "result": votes, "state": said["state"] | {shot: votes},
                  "records": [{"path": "/reviews/" + shot, "class": "review", "fields": {"votes": votes}},
                              {"path": "/votes/" + shot, "class": "vote", "fields": {"last_by": said["by"]}}]}
    else:
        continue
    print(json.dumps(answer), flush=True)
