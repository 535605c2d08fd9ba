//! Remote bases as a user of this machine may read them.

use std::path::Path;

use flux_git::{Secret, SshAuth};
use flux_kustomize_controller::RemoteBases;

/// The keys that OpenSSH looks for, best first.
const KEYS: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

/// Repositories over the network and on disk; ssh with the user's own key and known hosts.
pub fn bases() -> RemoteBases {
    let home = std::env::var_os("HOME");
    let ssh = home.and_then(|home| ssh_of(&Path::new(&home).join(".ssh")));
    RemoteBases::new().with_local().with_ssh(ssh)
}

fn ssh_of(folder: &Path) -> Option<SshAuth> {
    let identity = KEYS.iter().find_map(|name| std::fs::read_to_string(folder.join(name)).ok())?;
    let known_hosts = std::fs::read_to_string(folder.join("known_hosts")).unwrap_or_default();
    Some(SshAuth { identity: Secret::new(identity), passphrase: None, known_hosts })
}
