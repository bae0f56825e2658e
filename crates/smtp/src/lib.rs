//! SMTP as two state machines, server and client.
