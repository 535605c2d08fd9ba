//! Paths that are no resources: health, version, keys, and the way to discovery and OpenAPI.

use std::sync::Arc;

use rcgen::PublicKeyData as _;
use serde_json::json;

use crate::reply::Reply;
use crate::request::Ask;
use crate::server::Shared;
use crate::status::ApiError;

/// Checks that can be asked for one by one.
const CHECKS: [&str; 3] = ["ping", "log", "etcd"];

impl Shared {
    /// Answers a path that is no resource.
    pub(crate) async fn plain(self: &Arc<Self>, ask: &mut Ask) -> Result<Reply, ApiError> {
        let path = ask.path.trim_end_matches('/').to_owned();
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match parts.as_slice() {
            ["api", ..] | ["apis", ..] => {
                let found = self.discovery(ask, &parts)?;
                if ask.method == "GET" { Ok(found) } else { Err(ApiError::method_not_allowed()) }
            }
            ["healthz" | "livez" | "readyz"] => Ok(health(parts[0], ask.query.has("verbose"))),
            ["healthz" | "livez" | "readyz", check] if CHECKS.contains(check) => Ok(Reply::text(200, "ok")),
            ["version"] => Ok(Reply::bytes(200, "application/json", flux_schema::version_json())),
            ["openapi", "v3", rest @ ..] => self.openapi_v3(ask, rest),
            ["openapi", "v2"] => self.openapi_v2(ask),
            ["metrics"] => Ok(self.metrics()),
            ["openid", "v1", "jwks"] => Ok(self.keys()),
            [".well-known", "openid-configuration"] => Ok(self.openid()),
            _ => Err(ApiError::page_not_found()),
        }
    }

    /// What can be told about the server in numbers.
    fn metrics(&self) -> Reply {
        let text = format!(
            "# HELP apiserver_storage_revision The last durable revision.\n# TYPE apiserver_storage_revision gauge\napiserver_storage_revision {}\n",
            self.store.revision()
        );
        Reply::bytes(200, "text/plain; version=0.0.4; charset=utf-8", text)
    }

    fn keys(&self) -> Reply {
        use base64::Engine as _;
        let raw = self.certificates.tokens.der_bytes();
        let x = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(raw);
        Reply::json(200, &json!({"keys": [{"use": "sig", "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": x}]}))
    }

    fn openid(&self) -> Reply {
        Reply::json(
            200,
            &json!({
                "issuer": self.config.issuer, "jwks_uri": format!("{}/openid/v1/jwks", self.config.issuer),
                "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["EdDSA"],
            }),
        )
    }
}

fn health(path: &str, verbose: bool) -> Reply {
    if !verbose {
        return Reply::text(200, "ok");
    }
    let lines: String = CHECKS.iter().map(|check| format!("[+]{check} ok\n")).collect();
    Reply::text(200, format!("{lines}{path} check passed\n"))
}
