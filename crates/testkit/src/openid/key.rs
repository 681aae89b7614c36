//! Keys that sign tokens, made for one test each.

use aws_lc_rs::{
    encoding::AsDer as _,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair as RsaPair,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::Value;

/// A key, with its name.
pub struct SigningKey {
    id: String,
    algorithm: Algorithm,
    key: EncodingKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).field("algorithm", &self.algorithm).finish()
    }
}

impl SigningKey {
    /// A new key.
    ///
    /// # Panics
    /// When it is to be for another algorithm than RS256, ES256 or EdDSA.
    pub fn generate(id: &str, algorithm: Algorithm) -> Self {
        let random = SystemRandom::new();
        let key = match algorithm {
            Algorithm::ES256 => {
                let pkcs8 =
                    EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
                EncodingKey::from_ec_der(pkcs8.as_ref())
            }
            // Version 1 of the form: jsonwebtoken tells the kind of key by its length.
            Algorithm::EdDSA => {
                EncodingKey::from_ed_der(Ed25519KeyPair::generate_pkcs8v1(&random).expect("a key").as_ref())
            }
            Algorithm::RS256 => {
                let pkcs8 = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key").as_der().expect("PKCS #8");
                EncodingKey::from_rsa_pem(pem("PRIVATE KEY", pkcs8.as_ref()).as_bytes()).expect("a key")
            }
            other => panic!("no keys for {other:?} here"),
        };
        Self { id: id.to_owned(), algorithm, key }
    }

    /// What others may know of it, as a JSON Web Key.
    pub fn public(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.key, self.algorithm).expect("a public key");
        jwk.common.key_id = Some(self.id.clone());
        serde_json::to_value(jwk).expect("JSON")
    }

    /// Of a key for RS256: the same in PEM.
    ///
    /// # Panics
    /// When it is of another kind.
    pub fn public_pem(&self) -> String {
        let pair = RsaPair::from_der(self.key.as_bytes()).expect("a key for RS256");
        let der = pair.public_key().as_der().expect("a public key");
        pem("PUBLIC KEY", der.as_ref())
    }

    /// The head of its tokens.
    pub fn header(&self) -> Header {
        Header { kid: Some(self.id.clone()), ..Header::new(self.algorithm) }
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_as(&self.header(), claims)
    }

    /// A token with this head.
    pub fn sign_as(&self, header: &Header, claims: &Value) -> String {
        jsonwebtoken::encode(header, claims, &self.key).expect("a token")
    }
}

/// `der` in PEM.
fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}
