//! One status for many objects.

use crate::status::Status;

/// The status of a set that is to reach `desired`: a failure goes first, then an unknown one; an empty set is there.
pub fn aggregate(statuses: impl IntoIterator<Item = Status>, desired: Status) -> Status {
    let mut all_there = true;
    let mut any_unknown = false;
    for status in statuses {
        match status {
            Status::Failed => return Status::Failed,
            Status::Unknown => any_unknown = true,
            _ => {}
        }
        all_there &= status == desired;
    }
    match (any_unknown, all_there) {
        (true, _) => Status::Unknown,
        (false, true) => desired,
        (false, false) => Status::InProgress,
    }
}

/// A short name of a set of object identifiers, independent of their order: 32-bit FNV-1a in hex.
pub fn set_hash<'a>(identifiers: impl IntoIterator<Item = &'a str>) -> String {
    let mut sorted: Vec<&str> = identifiers.into_iter().collect();
    sorted.sort_unstable();
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let hash = sorted.iter().flat_map(|text| text.bytes()).fold(0x811c_9dc5, mix);
    format!("{hash:x}")
}
