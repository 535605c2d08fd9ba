//! JSON patch, merge patch, strategic merge and structured merge with managedFields.
