//! Replies that no server gave: what the MTA says about an attempt that reached none.

use emta_mail::{EnhancedStatus, Reply};

fn internal(code: u16, status: (u8, u16, u16), text: &str) -> Reply {
    Reply::new(code, EnhancedStatus::try_new(status.0, status.1, status.2), format!("[internal] {text}"))
}

/// `454 4.4.4 [internal] no MX or A for domain`.
pub fn no_host() -> Reply {
    internal(454, (4, 4, 4), "no MX or A for domain")
}

/// `454 4.4.4 [internal] domain does not exist (NXDOMAIN)`; transient, because registrars and resolvers err.
pub fn no_domain() -> Reply {
    internal(454, (4, 4, 4), "domain does not exist (NXDOMAIN)")
}

/// `556 5.1.10 [internal] domain does not accept mail (null MX)` (RFC 7505 section 4).
pub fn null_mx() -> Reply {
    internal(556, (5, 1, 10), "domain does not accept mail (null MX)")
}

/// `421 4.4.1 [internal] connection timed out`.
pub fn connect_timeout() -> Reply {
    internal(421, (4, 4, 1), "connection timed out")
}
