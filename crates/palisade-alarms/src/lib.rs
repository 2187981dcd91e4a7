//! Detection rules over the event stream, and canaries.
#![forbid(unsafe_code)]
