//! Who may come, and as whom.
//!
//! A caller shows a [`Credential`]; an [`Authenticator`] makes an [`Identity`] of it, or a [`Refusal`]. There are three kinds
//! of credentials, told apart by their form, so that none is tried against a method that it is not for:
//!
//! ```text
//!   nk_…      API key          a file of hashes, read again when it changes   (keys_file)
//!   ek_…      client secret    signed by a key that all gateways share        (client_secrets)
//!   a.b.c     JSON Web Token   signed by an issuer whose keys are known       (jwt)
//! ```
//!
//! It knows no HTTP server and no broker: who may come does not depend on whether a broker answers.

mod identity;
mod scopes;

mod credential;
mod refusal;

mod authenticator;

mod client_secrets;
mod jwt;
mod keys_file;

mod time;

pub use authenticator::{Authenticator, Config, ConfigError};
pub use client_secrets::{ClientSecret, ClientSecretsConfig, Wish, Wrong};
pub use credential::{Credential, MAX_CREDENTIAL};
pub use identity::{Allowance, Identity, Source};
pub use jwt::{Claims, IssuerConfig, Keys, Signature};
pub use keys_file::{FileError, KeyRecord, KeysFile, NewKey, make_key};
pub use refusal::Refusal;
pub use scopes::{Models, Scopes, UnknownScope};
