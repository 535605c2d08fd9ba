//! Locations.

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

#[derive(Clone, Debug)]
pub(crate) enum Zone {
    Utc,
    /// What Go calls `Local`; UTC here.
    Local,
    Fixed {
        name: String,
        offset: i64,
    },
    Named {
        name: String,
        zone: TimeZone,
    },
}

impl Zone {
    /// `time.LoadLocation`, from the table built in.
    pub(crate) fn load(name: &str) -> Option<Self> {
        match name {
            "" | "UTC" => Some(Self::Utc),
            "Local" => Some(Self::Local),
            _ if name.contains("..") || name.starts_with(['/', '\\']) => None,
            _ => {
                let zone = TimeZoneDatabase::bundled().get(name).ok()?;
                Some(Self::Named { name: name.to_owned(), zone })
            }
        }
    }

    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Utc => "UTC",
            Self::Local => "Local",
            Self::Fixed { name, .. } | Self::Named { name, .. } => name,
        }
    }

    /// Seconds east of UTC, and the abbreviation.
    pub(super) fn at(&self, unix: i64) -> (i64, String) {
        match self {
            Self::Utc | Self::Local => (0, "UTC".to_owned()),
            Self::Fixed { name, offset } => (*offset, name.clone()),
            Self::Named { zone, .. } => {
                let bound = unix.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
                let Ok(at) = Timestamp::from_second(bound) else { return (0, "UTC".to_owned()) };
                let info = zone.to_offset_info(at);
                (i64::from(info.offset().seconds()), info.abbreviation().to_owned())
            }
        }
    }
}
