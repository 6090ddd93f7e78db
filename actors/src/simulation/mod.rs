//! A whole cluster on one machine, in virtual time.

mod random;
