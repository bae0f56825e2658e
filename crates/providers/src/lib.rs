//! The simulated mailbox providers: what each answers, what it sends back later.
