"""Runs a delivery on the reference campaign core, and shows its KPIs in the three feedback modes as time goes by."""
import json
import urllib.request

API = "http://127.0.0.1:8025/api/v1"


def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(API + path, data, {"content-type": "application/json"}, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def show(when):
    kpis = call("GET", f"/deliveries/{number}/kpis")
    columns = [(mode, kpis[mode]) for mode in ("without-efs", "efs", "efs-v8")]
    print(f"{when:14}", *(f'{k["delivered"]:5} delivered {k["bounces"]:3} failed   ' for _, k in columns))


delivery = call("POST", "/deliveries", {
    "label": "January",
    "subject": "Hello {{first_name}}",
    "text": "Hello {{first_name}}!",
    "recipients_csv": open("scripts/tour/recipients.csv").read(),
})
number = delivery["delivery"]
prepared = call("POST", f"/deliveries/{number}/prepare")["kpis"]
print("targeted", prepared["targeted"], "excluded", prepared["excluded"], "to deliver", prepared["to_deliver"])
call("POST", f"/deliveries/{number}/confirm")
call("POST", "/clock/settle")

print(f'{"":14}', *(f"{mode:27}" for mode in ("without-efs", "efs", "efs-v8")))
show("relayed")
for span in ("1m", "2h", "84h"):
    call("POST", "/clock/advance", {"by": span})
    show(f"{span} later")
for row in call("GET", f"/deliveries/{number}/logs")["items"]:
    print(f'{row["address"]:32} {row["status_label"]:10} {row["type"]}/{row["reason"]}')
