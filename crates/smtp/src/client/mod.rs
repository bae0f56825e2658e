//! The client side of SMTP: the outbound leg of the MTA.
