//! Secrets, read and made.
