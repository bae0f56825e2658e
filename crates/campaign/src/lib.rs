//! The reference campaign core: delivery lifecycle, delivery log, KPIs, quarantine.
