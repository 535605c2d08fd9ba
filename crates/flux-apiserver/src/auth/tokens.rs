//! Service-account tokens: JSON web tokens signed with the server's own key.
//!
//! The signature (Ed25519) is deterministic, so a token is verified by signing again.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::SigningKey as _;
use serde_json::{Value, json};

use super::same;
use crate::Identity;
use crate::object::meta_text;
use crate::server::Shared;
use crate::status::ApiError;

/// The audience of tokens that do not name one.
pub(crate) const DEFAULT_AUDIENCE: &str = "https://kubernetes.default.svc";
/// The longest token that is looked at.
const TOKEN_MAX: usize = 16 << 10;

/// What a token is to say.
pub(crate) struct Claims {
    pub namespace: String,
    pub account: String,
    pub account_uid: String,
    pub audiences: Vec<String>,
    /// Seconds since the epoch.
    pub expires: i64,
    pub bound: Option<BoundTo>,
}

/// The object a token lives and dies with.
pub(crate) struct BoundTo {
    /// `pod` or `secret`.
    pub kind: &'static str,
    pub name: String,
    pub uid: String,
}

impl Shared {
    /// Signs a token.
    pub(crate) fn issue(&self, claims: &Claims) -> Result<String, ApiError> {
        let now = jiff::Timestamp::now().as_second();
        let account = json!({"name": claims.account, "uid": claims.account_uid});
        let mut kubernetes = json!({"namespace": claims.namespace, "serviceaccount": account});
        if let Some(bound) = &claims.bound {
            kubernetes[bound.kind] = json!({"name": bound.name, "uid": bound.uid});
        }
        let payload = json!({
            "iss": self.config.issuer, "aud": claims.audiences,
            "sub": format!("system:serviceaccount:{}:{}", claims.namespace, claims.account),
            "iat": now, "nbf": now, "exp": claims.expires, "jti": uuid::Uuid::new_v4().to_string(),
            "kubernetes.io": kubernetes,
        });
        let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","typ":"JWT"}"#);
        let text = format!("{head}.{}", URL_SAFE_NO_PAD.encode(payload.to_string()));
        let signature =
            self.sign(text.as_bytes()).ok_or_else(|| ApiError::internal("the token could not be signed"))?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        self.certificates.tokens.sign(text).ok()
    }
}

/// The service account of a token for one of `audiences` (or the server itself), while it and its bound object live.
pub(super) async fn verify(shared: &Shared, token: &str, audiences: &[String]) -> Option<(Identity, Vec<String>)> {
    if token.len() > TOKEN_MAX {
        return None;
    }
    let (text, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if !same(&shared.sign(text.as_bytes())?, &signature) {
        return None;
    }
    let (_, payload) = text.split_once('.')?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    let now = jiff::Timestamp::now().as_second();
    if claims["iss"] != shared.config.issuer.as_str() || claims["exp"].as_i64()? <= now {
        return None;
    }
    let given: Vec<&str> = claims["aud"].as_array()?.iter().filter_map(Value::as_str).collect();
    let own = [DEFAULT_AUDIENCE.to_owned(), shared.config.issuer.clone()];
    let accepted = if audiences.is_empty() { own.as_slice() } else { audiences };
    let common: Vec<String> = accepted.iter().filter(|one| given.contains(&one.as_str())).cloned().collect();
    if common.is_empty() {
        return None;
    }
    let about = &claims["kubernetes.io"];
    let space = about["namespace"].as_str()?;
    let account = about["serviceaccount"]["name"].as_str()?;
    let uid = about["serviceaccount"]["uid"].as_str()?;
    lives(shared, "serviceaccounts", space, account, uid).await?;
    let mut identity = Identity { uid: uid.to_owned(), ..Identity::service_account(space, account) };
    identity
        .extra
        .insert("authentication.kubernetes.io/credential-id".into(), vec![format!("JTI={}", claims["jti"].as_str()?)]);
    for (kind, plural) in [("pod", "pods"), ("secret", "secrets")] {
        if let Some(bound) = about.get(kind) {
            let (name, uid) = (bound["name"].as_str()?, bound["uid"].as_str()?);
            lives(shared, plural, space, name, uid).await?;
            if kind == "pod" {
                identity.extra.insert("authentication.kubernetes.io/pod-name".into(), vec![name.to_owned()]);
                identity.extra.insert("authentication.kubernetes.io/pod-uid".into(), vec![uid.to_owned()]);
            }
        }
    }
    Some((identity, common))
}

async fn lives(shared: &Shared, plural: &str, space: &str, name: &str, uid: &str) -> Option<()> {
    let resource = shared.registry.find("", "v1", plural)?;
    let object = shared.load(&resource, space, name).await?;
    (meta_text(&object, "uid") == uid).then_some(())
}

impl Shared {
    /// The user of a token for the given audiences, and which of them it is good for.
    pub(crate) async fn review_token(&self, token: &str, audiences: &[String]) -> Option<(Identity, Vec<String>)> {
        if let Some(found) = verify(self, token, audiences).await {
            return Some(found);
        }
        let identity = self.identity_of_token(token).await.filter(|_| audiences.is_empty())?;
        Some((identity, vec![DEFAULT_AUDIENCE.to_owned()]))
    }
}

pub(crate) fn default_audiences() -> Vec<String> {
    vec![DEFAULT_AUDIENCE.to_owned()]
}
