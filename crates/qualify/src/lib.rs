//! Delivery log qualification: normalise a text, match ordered rules, explain.
