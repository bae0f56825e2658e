//! How much a lane may do at a time and in an hour.

/// What one lane may use; a value that exists is within its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    connections: u32,
    messages_per_connection: u32,
    messages_per_hour: Option<u32>,
}

/// A limit that is zero or too large.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{setting}` is `{value}`; expected 1 to `{max}`")]
pub struct LimitsError {
    /// Its name.
    pub setting: &'static str,
    /// The value found.
    pub value: u32,
    /// The largest value allowed.
    pub max: u32,
}

impl Limits {
    /// Most connections to one domain at a time.
    pub const MAX_CONNECTIONS: u32 = 1_000;
    /// Most messages over one connection.
    pub const MAX_MESSAGES_PER_CONNECTION: u32 = 1_000_000;
    /// Most attempts to one domain an hour.
    pub const MAX_MESSAGES_PER_HOUR: u32 = 100_000_000;

    /// Limits: connections at a time, messages over each before it is closed, attempts an hour (`None` for as many
    /// as there are).
    ///
    /// # Errors
    /// When one of them is zero or above its bound.
    pub fn try_new(
        connections: u32,
        messages_per_connection: u32,
        messages_per_hour: Option<u32>,
    ) -> Result<Self, LimitsError> {
        check("connections", connections, Self::MAX_CONNECTIONS)?;
        check("messages_per_connection", messages_per_connection, Self::MAX_MESSAGES_PER_CONNECTION)?;
        if let Some(messages) = messages_per_hour {
            check("messages_per_hour", messages, Self::MAX_MESSAGES_PER_HOUR)?;
        }
        Ok(Self { connections, messages_per_connection, messages_per_hour })
    }

    /// Connections at a time.
    pub const fn connections(&self) -> u32 {
        self.connections
    }

    /// Messages over one connection before it is closed.
    pub const fn messages_per_connection(&self) -> u32 {
        self.messages_per_connection
    }

    /// Attempts an hour, spent in twelve slices of five minutes (facts 2.3); `None` for as many as there are.
    pub const fn messages_per_hour(&self) -> Option<u32> {
        self.messages_per_hour
    }
}

/// 20 connections, 100 messages over each, no limit an hour.
impl Default for Limits {
    fn default() -> Self {
        Self { connections: 20, messages_per_connection: 100, messages_per_hour: None }
    }
}

fn check(setting: &'static str, value: u32, max: u32) -> Result<(), LimitsError> {
    if (1..=max).contains(&value) { Ok(()) } else { Err(LimitsError { setting, value, max }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds() {
        const C: u32 = Limits::MAX_CONNECTIONS;
        const P: u32 = Limits::MAX_MESSAGES_PER_CONNECTION;
        const H: u32 = Limits::MAX_MESSAGES_PER_HOUR;
        let check = |connections, messages, hour, refused: Option<&str>| {
            let error = Limits::try_new(connections, messages, hour).err();
            assert_eq!(error.map(|error| error.setting), refused, "{connections} {messages} {hour:?}");
        };
        check(1, 1, Some(1), None);
        check(C, P, Some(H), None);
        check(C, P, None, None);
        check(0, 1, None, Some("connections"));
        check(C + 1, 1, None, Some("connections"));
        check(1, 0, None, Some("messages_per_connection"));
        check(1, P + 1, None, Some("messages_per_connection"));
        check(1, 1, Some(0), Some("messages_per_hour"));
        check(1, 1, Some(H + 1), Some("messages_per_hour"));
        let error = Limits::try_new(0, 1, None).unwrap_err();
        assert_eq!(error.to_string(), "`connections` is `0`; expected 1 to `1000`");
        let default = Limits::default();
        let remade = Limits::try_new(
            default.connections(),
            default.messages_per_connection(),
            default.messages_per_hour(),
        );
        assert_eq!(remade, Ok(default));
    }
}
