//! Which provider serves a domain.

use std::collections::HashMap;

use emta_mail::Domain;

use crate::spec::DomainPattern;

/// The providers' domains: an exact domain goes before a pattern, the longer pattern before the shorter, `*` last.
#[derive(Debug, Default)]
pub(crate) struct Routing {
    exact: HashMap<String, usize>,
    below: HashMap<String, usize>,
    any: Option<usize>,
}

impl Routing {
    /// Adds a pattern of the provider with this number, unless another provider has it: then the number of that one.
    pub(crate) fn add(&mut self, pattern: &DomainPattern, provider: usize) -> Result<(), usize> {
        let owner = match pattern {
            DomainPattern::Exact(domain) => *self.exact.entry(domain.as_str().to_owned()).or_insert(provider),
            DomainPattern::Below(domain) => *self.below.entry(domain.as_str().to_owned()).or_insert(provider),
            DomainPattern::Any => *self.any.get_or_insert(provider),
        };
        if owner == provider { Ok(()) } else { Err(owner) }
    }

    /// Whether there is a provider for every domain.
    pub(crate) const fn is_complete(&self) -> bool {
        self.any.is_some()
    }

    /// The number of the domain's provider; 0 where the routing is not complete and nobody has it.
    pub(crate) fn provider_of(&self, domain: &Domain) -> usize {
        let mut name = domain.as_str();
        if let Some(provider) = self.exact.get(name) {
            return *provider;
        }
        while let Some((_, parent)) = name.split_once('.') {
            if let Some(provider) = self.below.get(parent) {
                return *provider;
            }
            name = parent;
        }
        self.any.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_pattern_wins() {
        let mut routing = Routing::default();
        for (number, pattern) in ["*", "*.test", "*.corp.test", "gmail.test", "corp.test"].iter().enumerate()
        {
            routing.add(&pattern.parse().unwrap(), number).unwrap();
        }
        assert_eq!(routing.add(&"*.test".parse().unwrap(), 9), Err(1));
        for (domain, expected) in [
            ("gmail.test", 3),
            ("mail.gmail.test", 1),
            ("a.b.corp.test", 2),
            ("corp.test", 4),
            ("test", 0),
            ("x.example", 0),
            ("[192.0.2.1]", 0),
        ] {
            assert_eq!(routing.provider_of(&Domain::parse(domain).unwrap()), expected, "{domain}");
        }
    }
}
