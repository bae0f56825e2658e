//! Message-IDs as Adobe Campaign makes them, which carry the identifiers of the message (facts 2.6).

/// What a Message-ID of Adobe Campaign says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdobeMessageId {
    /// Identifier of the recipient's entry in the delivery log (broad log).
    pub log: u64,
    /// Identifier of the delivery.
    pub delivery: u32,
    /// Name of the Campaign instance; may be empty.
    pub instance: String,
}

impl AdobeMessageId {
    /// Reads a Message-ID, with or without angle brackets: `NM6`, then log and delivery as eight hexadecimal digits
    /// each, or `AC7`, then the log as sixteen and the delivery as eight; then the instance's name, `@`, a domain.
    /// `None` for any other.
    pub fn parse(message_id: &str) -> Option<Self> {
        let id = message_id.trim().trim_start_matches('<').trim_end_matches('>');
        let (local, _domain) = id.split_once('@')?;
        let log_digits = match local.get(..3)? {
            "NM6" => 8,
            "AC7" => 16,
            _ => return None,
        };
        let rest = local.get(3..)?;
        let (log, rest) = (rest.get(..log_digits)?, rest.get(log_digits..)?);
        let (delivery, instance) = (rest.get(..8)?, rest.get(8..)?);
        Some(Self {
            log: hex(log)?,
            delivery: hex(delivery)?.try_into().ok()?,
            instance: instance.to_owned(),
        })
    }

    /// Writes it with a domain, without angle brackets; the long form only for a log identifier of more than 32 bits.
    pub fn write(&self, domain: &str) -> String {
        let Self { log, delivery, instance } = self;
        if u32::try_from(*log).is_ok() {
            format!("NM6{log:08X}{delivery:08X}{instance}@{domain}")
        } else {
            format!("AC7{log:016X}{delivery:08X}{instance}@{domain}")
        }
    }
}

/// `from_str_radix` alone would let a sign through.
fn hex(digits: &str) -> Option<u64> {
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Option<(u64, u32, &str)>) {
        let expected = expected.map(|(log, delivery, instance)| AdobeMessageId {
            log,
            delivery,
            instance: instance.to_owned(),
        });
        assert_eq!(AdobeMessageId::parse(text), expected, "{text}");
    }

    #[test]
    fn reads_both_forms() {
        check("<NM60001E24000000929acme_mid_prod3@mkt.example>", Some((123_456, 2_345, "acme_mid_prod3")));
        check("AC70000000100000002000000FFacme@mkt.example", Some((0x1_0000_0002, 255, "acme")));
        check("NM6FFFFFFFFFFFFFFFF@mkt.example", Some((0xffff_ffff, u32::MAX, "")));
        for other in
            ["", "NM6", "NM60001E2400000092@x", "NM7000000010000000Ax@x", "NM6+000000100000001a@x", "NM6é"]
        {
            check(other, None);
        }
    }

    proptest! {
        #[test]
        fn reads_back_what_it_writes(log in any::<u64>(), delivery in any::<u32>(), instance in "[a-z_0-9]{0,20}") {
            let id = AdobeMessageId { log, delivery, instance };
            prop_assert_eq!(AdobeMessageId::parse(&id.write("mkt.example")), Some(id));
        }
    }
}
