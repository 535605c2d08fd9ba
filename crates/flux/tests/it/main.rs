//! The binary from outside.

mod commands;
mod server;
