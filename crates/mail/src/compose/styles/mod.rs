//! The styles, a file for each family. The phrases by which programs are known are theirs; the rest is ours.

pub(super) mod desktop;
pub(super) mod filters;
pub(super) mod gateways;
pub(super) mod google;
pub(super) mod microsoft;
pub(super) mod mobile;
pub(super) mod portals;
pub(super) mod services;
pub(super) mod unix;
