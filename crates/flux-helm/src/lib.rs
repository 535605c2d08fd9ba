//! The Helm engine, pure: charts, values, rendering, manifests, release records, repository indexes.
//!
//! File systems, the clock, random bytes, the network and the cluster are handed in. Behaviour and error texts are
//! those of Helm 4.3 and of Flux's helm-controller 1.6; `docs/helm.md` says what is bounded and what differs.
//!
//! | upstream | here |
//! | --- | --- |
//! | `chart.Chart`, `loader.Load*` | [`Chart`], [`Chart::from_archive`], [`Chart::from_directory`], [`Chart::from_files`] |
//! | `values.Options`, `strvals` | [`values::ValuesOptions`], [`values::parse_set`] |
//! | Flux's `chartutil` | [`values::compose_values`], [`values::config_digest`] |
//! | `action.Install` and others with `DryRun` | [`render`] |
//! | `releaseutil.SortManifests` | [`manifest::sort_manifests`] |
//! | `storage/driver` | [`storage::encode`], [`storage::decode`], [`storage::secret`] |
//! | helm-controller's `reconcile/state.go` | [`release::state`] |
//! | `repo.IndexFile` | [`index::Index`] |
//!
//! ```
//! use flux_helm::chart::{File, Limits};
//! use flux_helm::{Capabilities, Chart, KubeVersion, ReleaseOptions, RenderOptions, Values, render};
//!
//! let files = vec![
//!     File::new("Chart.yaml", *b"apiVersion: v2\nname: app\nversion: 1.0.0\n"),
//!     File::new("templates/cm.yaml", *b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"),
//! ];
//! let chart = Chart::from_files(files, &Limits::default())?;
//! let host = flux_template::Offline { now: 0, random: |bytes| bytes.fill(4) };
//! let release = ReleaseOptions { name: "r".into(), namespace: "default".into(), revision: 1, is_upgrade: false };
//! let capabilities = Capabilities::offline(KubeVersion::parse("1.36.0")?);
//! let rendered = render(&chart, &Values::new(), &RenderOptions::new(release, capabilities, &host))?;
//! assert!(rendered.manifest.starts_with("---\n# Source: app/templates/cm.yaml\napiVersion: v1\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod capabilities;
pub mod chart;
mod decode;
pub mod digest;
mod error;
mod go_json;
pub mod index;
pub mod manifest;
pub mod post_render;
pub mod release;
mod render;
pub mod schema;
mod time;
pub mod values;

pub use capabilities::{Capabilities, DEFAULT_API_VERSIONS, HELM_VERSION, KubeVersion, KubeVersionError};
pub use chart::{Chart, Metadata};
pub use error::Error;
pub use release::{Release, storage};
pub use render::{InstallableError, ReleaseOptions, RenderError, RenderOptions, Rendered, check_installable, render};
pub use time::{Time, TimeError};
pub use values::Values;
