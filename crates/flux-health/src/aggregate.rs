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
