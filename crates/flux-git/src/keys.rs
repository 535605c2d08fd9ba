//! Key pairs for ssh: made anew, or the public half of one that is there.

use russh::keys::key::safe_rng;
use russh::keys::ssh_key::private::{KeypairData, RsaKeypair};
use russh::keys::ssh_key::{EcdsaCurve, LineEnding};
use russh::keys::{Algorithm, PrivateKey};

use crate::auth::{Secret, SshAuth, SshKeyError, private_key};

/// What to make. The names are those of the flags of `flux create secret git`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    Ed25519,
    EcdsaP256,
    EcdsaP384,
    EcdsaP521,
    /// The size of the modulus in bits.
    Rsa(usize),
}

/// A private key in OpenSSH's format, and its public half as one line that ends with a line break.
pub struct KeyPair {
    pub private: Secret,
    pub public: String,
}

/// Sizes of RSA keys that are neither weak nor a way to keep the machine busy.
pub const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Makes a key pair.
pub fn generate(kind: KeyKind) -> Result<KeyPair, SshKeyError> {
    let invalid = |error: russh::keys::ssh_key::Error| SshKeyError::Invalid { reason: error.to_string() };
    let ecdsa = |curve| Algorithm::Ecdsa { curve };
    let mut rng = safe_rng();
    let key = match kind {
        KeyKind::Ed25519 => PrivateKey::random(&mut rng, Algorithm::Ed25519),
        KeyKind::EcdsaP256 => PrivateKey::random(&mut rng, ecdsa(EcdsaCurve::NistP256)),
        KeyKind::EcdsaP384 => PrivateKey::random(&mut rng, ecdsa(EcdsaCurve::NistP384)),
        KeyKind::EcdsaP521 => PrivateKey::random(&mut rng, ecdsa(EcdsaCurve::NistP521)),
        KeyKind::Rsa(bits) if !RSA_BITS.contains(&bits) => {
            let reason = format!("RSA keys have {} to {} bits, not {bits}", RSA_BITS.start(), RSA_BITS.end());
            return Err(SshKeyError::Invalid { reason });
        }
        KeyKind::Rsa(bits) => {
            RsaKeypair::random(&mut rng, bits).and_then(|pair| PrivateKey::new(KeypairData::from(pair), ""))
        }
    };
    let key = key.map_err(invalid)?;
    let private = Secret::new(key.to_openssh(LineEnding::LF).map_err(invalid)?.as_str());
    Ok(KeyPair { private, public: public_line(&key)? })
}

/// The public half of a private key, as a line.
pub fn public_key(auth: &SshAuth) -> Result<String, SshKeyError> {
    public_line(&private_key(auth)?)
}

fn public_line(key: &PrivateKey) -> Result<String, SshKeyError> {
    let mut public = key.public_key().clone();
    public.set_comment("");
    let line = public.to_openssh().map_err(|error| SshKeyError::Invalid { reason: error.to_string() })?;
    Ok(format!("{}\n", line.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_keys_can_be_read() {
        for (kind, name) in [
            (KeyKind::Ed25519, "ssh-ed25519 "),
            (KeyKind::EcdsaP256, "ecdsa-sha2-nistp256 "),
            (KeyKind::EcdsaP384, "ecdsa-sha2-nistp384 "),
            (KeyKind::EcdsaP521, "ecdsa-sha2-nistp521 "),
        ] {
            let pair = generate(kind).expect("made");
            assert!(pair.public.starts_with(name) && pair.public.ends_with('\n'), "{}", pair.public);
            let auth = SshAuth { identity: pair.private, ..SshAuth::default() };
            assert_eq!(public_key(&auth).expect("read"), pair.public);
        }
    }

    #[test]
    fn sizes_are_bounded() {
        for bits in [0, 1024, 16384, usize::MAX] {
            assert!(matches!(generate(KeyKind::Rsa(bits)), Err(SshKeyError::Invalid { .. })), "{bits}");
        }
    }
}
