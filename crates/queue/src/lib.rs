//! When each message is due: retry schedule, validity, lanes with throttling.
