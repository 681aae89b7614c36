//! What clients of `narthex.v1` say in binary frames, and frames that claim to be signed. The first byte says which.
//!
//! A message is the same in each encoding; no frame passes for signed that nobody has signed.
#![no_main]
#![expect(clippy::expect_used, reason = "what cannot be here is a finding")]

use std::{cell::RefCell, str};

use fuzz::check_refusal;
use libfuzzer_sys::fuzz_target;
use protocol::{
    ClientMessage, Rejected, client_message,
    session::{
        Encoding,
        signing::{Binding, KeyPair, Side, Verifier},
    },
};
use serde_json::Value;

const MAX_DEPTH: usize = 32;

thread_local! {
    static VERIFIER: RefCell<Verifier> = {
        let (own, other) = (KeyPair::new().expect("a key"), KeyPair::new().expect("a key"));
        let keys = own.agree(Side::Gateway, other.public_key(), &Binding::to(""));
        RefCell::new(keys.expect("keys").1)
    };
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, frame)) = input.split_first() else { return };
    match kind {
        b'm' => {
            let read = Encoding::MessagePack.read(frame, MAX_DEPTH);
            check(&read);
            if let (Ok(message), Ok(Value::Object(members))) = (&read, rmp_serde::from_slice(frame)) {
                let json = Value::Object(members).to_string();
                assert_eq!(client_message(&json, MAX_DEPTH).as_ref(), Ok(message));
            }
        }
        b'p' => {
            let read = Encoding::Protobuf.read(frame, MAX_DEPTH);
            check(&read);
            if let Ok(text) = proto::socket::client_message(frame) {
                assert_eq!(client_message(&text, MAX_DEPTH), read);
            }
        }
        _ => VERIFIER.with_borrow_mut(|verifier| {
            assert!(verifier.open_binary(frame).is_err());
            if let Ok(text) = str::from_utf8(frame) {
                assert!(verifier.open_text(text).is_err());
            }
        }),
    }
});

fn check(read: &Result<ClientMessage, Rejected>) {
    if let Err(rejected) = read {
        check_refusal(&rejected.error);
    }
}
