"""Receives webhooks on port 9000, checks their signatures, and prints one line an event."""
import base64
import hashlib
import hmac
import json
from http.server import BaseHTTPRequestHandler, HTTPServer

SECRET = base64.b64decode("dGhlIGtleSBvZiB0aGUgdG91ciBvZiBlbXRh")


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        signed = f'{self.headers["webhook-id"]}.{self.headers["webhook-timestamp"]}.'.encode() + body
        ours = "v1," + base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
        right = hmac.compare_digest(ours, self.headers["webhook-signature"])
        for event in json.loads(body)["data"]:
            print("signature", "right" if right else "WRONG", event["type"], flush=True)
        self.send_response(204 if right else 400)
        self.end_headers()

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", 9000), Receiver).serve_forever()
