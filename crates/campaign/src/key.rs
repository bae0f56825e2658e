//! Names of deliveries and of their log entries.

use std::fmt;

use emta_mail::Origin;

/// A delivery's number, chosen by whoever creates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(u64);

impl DeliveryId {
    /// From its number.
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One recipient's entry in a delivery log: the delivery, and the recipient's place in it, from 1.
///
/// Places are given in the order of the recipients, so the same list has the same keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogKey {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The entry, from 1.
    pub log: u64,
}

impl LogKey {
    /// The entry that a message's origin names: both numbers in decimal. `None` where one is missing or not a
    /// number: the message is not from this core.
    pub fn from_origin(origin: &Origin) -> Option<Self> {
        let number = |text: &Option<String>| text.as_deref().and_then(|t| t.trim().parse().ok());
        Some(Self { delivery: DeliveryId(number(&origin.delivery)?), log: number(&origin.log)? })
    }

    /// Place among the delivery's rows, from 0.
    pub(crate) fn index(self) -> Option<usize> {
        usize::try_from(self.log.checked_sub(1)?).ok()
    }
}

/// Written `delivery/log`: `2345/17`.
impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.delivery, self.log)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_from_an_origin() {
        let key = |delivery: Option<&str>, log: Option<&str>| {
            LogKey::from_origin(&Origin {
                delivery: delivery.map(str::to_owned),
                log: log.map(str::to_owned),
                ..Origin::default()
            })
            .map(|key| key.to_string())
        };
        assert_eq!(key(Some("2345"), Some(" 17 ")), Some("2345/17".to_owned()));
        for (delivery, log) in
            [(None, Some("1")), (Some("1"), None), (Some("x"), Some("1")), (Some("1"), Some("-1"))]
        {
            assert_eq!(key(delivery, log), None, "{delivery:?} {log:?}");
        }
    }
}
