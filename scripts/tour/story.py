"""Tells the event log (NDJSON on standard input) in one line an event, times counted from the first."""
import json
import sys
from datetime import datetime

start = None
for line in sys.stdin:
    event = json.loads(line)
    at, data = datetime.fromisoformat(event["timestamp"].replace("Z", "+00:00")), event["data"]
    start = start or at
    if event["type"] == "message.accepted":
        continue
    seconds = int((at - start).total_seconds())
    clock = f"{seconds // 3600:3}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    attempt, failure = data.get("attempt"), data.get("failure", {})
    said = f'{attempt["code"]} {attempt.get("enhanced", "")} {attempt["text"]}' if attempt else ""
    verdict = "{type}/{reason}".format(**failure) if failure else ""
    name = data["recipient"].split("@")[0].split("+")[0]
    print(f'{clock} {name:10} {event["type"][8:]:19} {verdict:20} {said[:48]}'.rstrip())
