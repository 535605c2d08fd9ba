//! Against real servers on the loopback interface. The `git` program makes the repositories, and serves some.

mod archives;
mod hostile;
mod http;
mod local;
mod servers;
mod ssh;
mod wishes;
