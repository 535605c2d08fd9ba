//! Ignore rules and reproducible tar.gz archives of source trees.
