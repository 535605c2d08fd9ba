//! Ordering, diffing, applying and pruning objects.
