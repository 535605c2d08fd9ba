//! The API server's storage: one revision, watch windows, redb with group commit.
