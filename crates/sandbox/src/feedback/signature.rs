//! Signatures of webhooks, as Standard Webhooks 1.0 defines them: HMAC-SHA256 over `id.timestamp.body`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How far the sender's clock may be off, in seconds.
const TOLERANCE: i64 = 300;

/// The value of `webhook-signature`; `timestamp` is in Unix seconds of the wall clock.
pub fn sign(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    let digest = mac(key, id, timestamp, body).finalize().into_bytes();
    format!("v1,{}", BASE64_STANDARD.encode(digest))
}

/// Whether one of the space-separated signatures is right, and the time stamp close to `now`. Compares in constant time.
pub fn verify(key: &[u8], id: &str, timestamp: i64, body: &[u8], signatures: &str, now: i64) -> bool {
    if now.abs_diff(timestamp) > TOLERANCE.unsigned_abs() {
        return false;
    }
    signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,")).any(|encoded| {
        let given = BASE64_STANDARD.decode(encoded).unwrap_or_default();
        mac(key, id, timestamp, body).verify_slice(&given).is_ok()
    })
}

fn mac(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> Hmac<Sha256> {
    // HMAC takes a key of any length.
    let mut mac =
        <Hmac<Sha256> as Mac>::new_from_slice(key).unwrap_or_else(|_| unreachable!("any length is a key"));
    mac.update(id.as_bytes());
    mac.update(b".");
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_implementations_accept_it() {
        let key = b"a key of more than twenty-four octets";
        let now = wall_now();
        let signature = sign(key, "msg_1", now, b"{}");
        let secret = format!("whsec_{}", BASE64_STANDARD.encode(key));
        let oracle = standardwebhooks::Webhook::new(&secret).unwrap();
        assert_eq!(oracle.sign("msg_1", now, b"{}").unwrap(), signature);
        assert!(verify(key, "msg_1", now, b"{}", &format!("v1,bad {signature}"), now));
    }

    #[test]
    fn refuses_what_was_changed_or_is_old() {
        let key = b"key";
        let signature = sign(key, "msg_1", 1_000, b"{}");
        assert!(verify(key, "msg_1", 1_000, b"{}", &signature, 1_300));
        assert!(!verify(key, "msg_1", 1_000, b"{}", &signature, 1_301));
        assert!(!verify(key, "msg_2", 1_000, b"{}", &signature, 1_000));
        assert!(!verify(key, "msg_1", 1_000, b"{ }", &signature, 1_000));
        assert!(!verify(b"other", "msg_1", 1_000, b"{}", &signature, 1_000));
        assert!(!verify(key, "msg_1", i64::MIN, b"{}", &signature, 1_000));
    }

    fn wall_now() -> i64 {
        crate::clock::wall::unix_seconds()
    }
}
