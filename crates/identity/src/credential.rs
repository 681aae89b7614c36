//! What a caller shows, sorted by its form.

use protocol::Secret;

/// A longer credential is none: the largest tokens of real issuers are half as long.
pub const MAX_CREDENTIAL: usize = 8 * 1024;

/// What a caller shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// Begins with `nk_`.
    ApiKey(Secret),
    /// Begins with `ek_`.
    ClientSecret(Secret),
    /// Three parts of base64url, with dots between them.
    Token(Secret),
    /// Nothing that is known here.
    Other,
}

impl Credential {
    /// What `text` is, by its form alone.
    pub fn of(text: &str) -> Self {
        if text.len() > MAX_CREDENTIAL {
            return Self::Other;
        }
        let secret = || Secret::new(text);
        if text.starts_with(crate::keys_file::PREFIX) {
            Self::ApiKey(secret())
        } else if text.starts_with(crate::client_secrets::PREFIX) {
            Self::ClientSecret(secret())
        } else if is_token(text) {
            Self::Token(secret())
        } else {
            Self::Other
        }
    }
}

fn is_token(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| is_part(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_known_by_its_form() {
        assert!(matches!(Credential::of("nk_1_2"), Credential::ApiKey(_)));
        assert!(matches!(Credential::of("ek_a.b.c"), Credential::ClientSecret(_)));
        assert!(matches!(Credential::of("a.b-.c_"), Credential::Token(_)));
        // Without a signature it would be a token that is not signed.
        for other in ["", "sk-1", "a.b", "a.b.", "a.b.c.d", "a b.c.d", &"a".repeat(MAX_CREDENTIAL + 1)] {
            assert_eq!(Credential::of(other), Credential::Other, "{other}");
        }
        let long = format!("a.b.{}", "c".repeat(MAX_CREDENTIAL));
        assert_eq!(Credential::of(&long), Credential::Other);
    }

    #[test]
    fn none_shows_itself() {
        let shown =
            format!("{:?}", [Credential::of("nk_1_2"), Credential::of("ek_sesame"), Credential::of("x.y.z")]);
        assert!(!shown.contains("sesame") && !shown.contains("nk_") && !shown.contains("x.y.z"), "{shown}");
    }
}
