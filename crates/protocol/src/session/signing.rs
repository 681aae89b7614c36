//! Signed frames: whoever stands between client and gateway can neither change, repeat, reorder, add nor take away a message
//! unseen.
//!
//! Both sides make a key pair for the connection (X25519, RFC 7748) and tell each other the public half. From what they share, and from
//! the credential that the connection was opened with, come two keys (HKDF-SHA256, RFC 5869), one for each way. A frame bears
//! the HMAC-SHA256 (RFC 2104) of its kind, its number on its way and its content; numbers run 0, 1, 2, …
//!
//! `docs/narthex-v1.md` says what this protects from, and what not.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    agreement::{self, EphemeralPrivateKey, UnparsedPublicKey, X25519},
    digest, hkdf, hmac,
    rand::SystemRandom,
};

/// The code before a frame's number and content: HMAC-SHA256.
const MAC_BYTES: usize = 32;
const COUNTER_BYTES: usize = 8;
const HEAD_BYTES: usize = MAC_BYTES + COUNTER_BYTES;
/// The head in base64url, and the dot after it.
const TEXT_HEAD: usize = HEAD_BYTES.div_ceil(3) * 4 - 2 + 1;

/// One side's public part of the key of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The key in base64url, with or without padding.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// In base64url, without padding.
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

/// What binds the keys to the credential that the connection was opened with: who does not know it cannot make them.
#[derive(Debug, Clone)]
pub struct Binding(digest::Digest);

impl Binding {
    /// Of this credential, as it stands in the header or subprotocol; empty, if there was none.
    pub fn to(credential: &str) -> Self {
        Self(digest::digest(&digest::SHA256, credential.as_bytes()))
    }
}

/// Who signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Client,
    /// The gateway.
    Gateway,
}

/// No key could be agreed on: the other's public key is none, or the system has no randomness.
#[derive(Debug, thiserror::Error)]
#[error("no key could be agreed on")]
pub struct NoKey;

/// The frame is not what the other side sent, or not when it sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// It is too short to be signed, or its head is malformed.
    #[error("the frame is not signed")]
    NotSigned,
    /// It comes twice, too early or too late.
    #[error("frame {found} came where {expected} was due")]
    OutOfOrder {
        /// The number that was due.
        expected: u64,
        /// The number in the frame.
        found: u64,
    },
    /// The signature does not fit.
    #[error("the signature is wrong")]
    Wrong,
}

/// One side's key pair, good for one connection.
#[derive(Debug)]
pub struct KeyPair {
    private: EphemeralPrivateKey,
    public: PublicKey,
}

impl KeyPair {
    /// A new one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new() -> Result<Self, NoKey> {
        let private = EphemeralPrivateKey::generate(&X25519, &SystemRandom::new()).map_err(|_| NoKey)?;
        let public = private.compute_public_key().map_err(|_| NoKey)?;
        Ok(Self { private, public: PublicKey(public.as_ref().try_into().map_err(|_| NoKey)?) })
    }

    /// What the other side is told.
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The keys for both ways.
    ///
    /// # Errors
    /// When `other` is a key that leads to nothing secret.
    pub fn agree(
        self,
        side: Side,
        other: &PublicKey,
        binding: &Binding,
    ) -> Result<(Signer, Verifier), NoKey> {
        let (client, gateway) = match side {
            Side::Client => (&self.public, other),
            Side::Gateway => (other, &self.public),
        };
        let context = [&client.0[..], &gateway.0[..]].concat();
        let derive = |secret: &[u8]| {
            let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, binding.0.as_ref()).extract(secret);
            let key = |label: &[u8]| {
                let info = [label, &context];
                prk.expand(&info, hmac::HMAC_SHA256).map(hmac::Key::from)
            };
            Ok((key(b"narthex.v1 client")?, key(b"narthex.v1 gateway")?))
        };
        let keys =
            agreement::agree_ephemeral(self.private, &UnparsedPublicKey::new(&X25519, other.0), derive);
        let (client, gateway) =
            keys.and_then(|keys: Result<_, ring::error::Unspecified>| keys).map_err(|_| NoKey)?;
        let (ours, theirs) = match side {
            Side::Client => (client, gateway),
            Side::Gateway => (gateway, client),
        };
        Ok((Signer { key: ours, next: 0 }, Verifier { key: theirs, next: 0 }))
    }
}

/// Signs the frames of one way, in their order.
#[derive(Debug)]
pub struct Signer {
    key: hmac::Key,
    next: u64,
}

impl Signer {
    /// A text frame: the head in base64url, a dot, the text.
    pub fn sign_text(&mut self, text: &str) -> String {
        let mut frame = String::with_capacity(TEXT_HEAD + text.len());
        URL_SAFE_NO_PAD.encode_string(self.head(Kind::Text, text.as_bytes()), &mut frame);
        frame.push('.');
        frame.push_str(text);
        frame
    }

    /// A binary frame: the head, the content.
    pub fn sign_binary(&mut self, content: &[u8]) -> Vec<u8> {
        [&self.head(Kind::Binary, content), content].concat()
    }

    fn head(&mut self, kind: Kind, content: &[u8]) -> [u8; HEAD_BYTES] {
        let counter = self.next.to_be_bytes();
        self.next += 1;
        let mut head = [0; HEAD_BYTES];
        head[..MAC_BYTES].copy_from_slice(hmac::sign(&self.key, &covered(kind, counter, content)).as_ref());
        head[MAC_BYTES..].copy_from_slice(&counter);
        head
    }
}

/// Checks the frames of the other way. After the first bad one nothing that comes can be trusted.
#[derive(Debug)]
pub struct Verifier {
    key: hmac::Key,
    next: u64,
}

impl Verifier {
    /// The text in a signed text frame.
    ///
    /// # Errors
    /// When it is not the next one of the other side.
    pub fn open_text<'a>(&mut self, frame: &'a str) -> Result<&'a str, BadFrame> {
        let (head, text) = frame.split_at_checked(TEXT_HEAD).ok_or(BadFrame::NotSigned)?;
        let head = head.strip_suffix('.').and_then(|head| URL_SAFE_NO_PAD.decode(head).ok());
        let head = head.and_then(|head| head.try_into().ok()).ok_or(BadFrame::NotSigned)?;
        self.check(&head, Kind::Text, text.as_bytes())?;
        Ok(text)
    }

    /// The content of a signed binary frame.
    ///
    /// # Errors
    /// When it is not the next one of the other side.
    pub fn open_binary<'a>(&mut self, frame: &'a [u8]) -> Result<&'a [u8], BadFrame> {
        let (head, content) = frame.split_first_chunk().ok_or(BadFrame::NotSigned)?;
        self.check(head, Kind::Binary, content)?;
        Ok(content)
    }

    fn check(&mut self, head: &[u8; HEAD_BYTES], kind: Kind, content: &[u8]) -> Result<(), BadFrame> {
        let (mac, counter) = head.split_at(MAC_BYTES);
        let counter: [u8; COUNTER_BYTES] = counter.try_into().map_err(|_| BadFrame::NotSigned)?;
        // The signature comes first: only what the other side has said is a number.
        hmac::verify(&self.key, &covered(kind, counter, content), mac).map_err(|_| BadFrame::Wrong)?;
        let found = u64::from_be_bytes(counter);
        if found != self.next {
            return Err(BadFrame::OutOfOrder { expected: self.next, found });
        }
        self.next += 1;
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Text = 1,
    Binary = 2,
}

/// What a signature covers.
fn covered(kind: Kind, counter: [u8; COUNTER_BYTES], content: &[u8]) -> Vec<u8> {
    [&[kind as u8], &counter[..], content].concat()
}
