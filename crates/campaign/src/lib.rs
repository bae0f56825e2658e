//! The reference campaign core: delivery lifecycle, delivery log, KPIs, quarantine.
//!
//! For users who bring no campaign system of their own, and the executable meaning of what a campaign system shows
//! while its messages travel through an Enhanced MTA. [`Campaign`] is a fold: the same inputs, in the same order and
//! at the same instants, give the same deliveries, logs, KPIs and addresses, so a shell may journal every accepted
//! [`Input`] and replay the journal after a restart.
//!
//! What a message's log shows is not stepped from status to status. A [`LogState`] collects the strongest thing that
//! each witness has said (the campaign's own relay, the MTA, the mail that came back), and the status in a
//! [`Mode`] is read off it. Collecting commutes and repeats without effect, so duplicated and disordered feedback
//! cannot do harm, and one story yields logs and KPIs in all three modes at once.
//!
//! Not here: sockets, files, the clock, chance, JSON.

pub mod config;
pub mod content;
pub mod delivery;
pub mod exclusion;
pub mod feedback;
pub mod fold;
pub mod input;
pub mod key;
pub mod kpi;
pub mod log;
pub mod quarantine;
mod roster;

pub use config::{CampaignConfig, Limits, Mode, QuarantinePolicy};
pub use content::{Content, Recipient};
pub use delivery::{Delivery, DeliveryState};
pub use exclusion::Exclusion;
pub use feedback::{Failure, Feedback, FeedbackKind, FeedbackType};
pub use fold::Campaign;
pub use input::{CampaignError, Input, NewDelivery, Output, RelayFailure};
pub use key::{DeliveryId, LogKey};
pub use kpi::Kpis;
pub use log::{LogState, LogStatus, Marks, Standing};
pub use quarantine::{AddressBook, AddressRecord, AddressStatus};
pub use roster::LogRow;
