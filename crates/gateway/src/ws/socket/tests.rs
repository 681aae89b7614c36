//! A socket that rests whenever it can hears and says the same as one that never does.

use futures_util::FutureExt as _;
use prometheus_client::metrics::counter::Counter;
use tokio::io::{DuplexStream, duplex};

use super::*;

const TEXT: u8 = 0x81;
const BEGINNING: u8 = 0x01;
const MIDDLE: u8 = 0x00;
const END: u8 = 0x80;
const PING: u8 = 0x89;

/// A client's frame, with a mask that leaves it as it is.
fn frame(kind: u8, content: &str) -> Vec<u8> {
    let mut frame = vec![kind];
    match content.len() {
        length @ ..126 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(content.bytes());
    frame
}

fn socket(buffer: usize) -> (Socket<DuplexStream>, DuplexStream) {
    let (here, there) = duplex(buffer);
    (Socket::new(Wire::new(here, (Counter::default(), Counter::default())), 1024 * 1024), there)
}

/// What can be heard now; then it rests.
fn hear(socket: &mut Socket<DuplexStream>) -> Vec<String> {
    let cx = &mut Context::from_waker(Waker::noop());
    let mut heard = Vec::new();
    while let Poll::Ready(message) = socket.poll_message(cx) {
        heard.push(message.unwrap().unwrap().to_text().unwrap().to_owned());
    }
    let _ = socket.poll_clear(cx).map(Result::unwrap);
    socket.rest(cx);
    heard
}

/// All bytes that have come to the client.
fn come(there: &mut DuplexStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    while there.read_buf(&mut bytes).now_or_never().is_some_and(|read| read.unwrap() > 0) {}
    bytes
}

#[test]
fn nothing_that_came_in_pieces_is_lost_by_resting() {
    let long = "long ".repeat(900);
    let whole = [
        frame(TEXT, "one"),
        frame(TEXT, ""),
        frame(PING, "are you there?"),
        frame(TEXT, &long),
        frame(BEGINNING, "in "),
        frame(PING, "in between"),
        frame(MIDDLE, ""),
        frame(END, "pieces"),
        frame(TEXT, "the last"),
    ];
    let expected = ["one", "", "are you there?", &long, "in between", "in pieces", "the last"];
    for size in (1..50).chain([500, 10_000]) {
        let (mut socket, mut there) = socket(64 * 1024);
        let mut heard = Vec::new();
        for piece in whole.concat().chunks(size) {
            there.write_all(piece).now_or_never().unwrap().unwrap();
            heard.extend(hear(&mut socket));
        }
        assert_eq!(heard, expected, "in pieces of {size} bytes");
        let pongs = [&[0x8a, 14], b"are you there?".as_slice(), &[0x8a, 10], b"in between"].concat();
        assert_eq!(come(&mut there), pongs);
    }
}

#[test]
fn nothing_is_held_at_rest() {
    let (mut socket, mut there) = socket(64 * 1024);
    assert!(socket.context.is_none());
    for _ in 0..3 {
        there.write_all(&frame(TEXT, "a question")).now_or_never().unwrap().unwrap();
        assert_eq!(hear(&mut socket), ["a question"]);
        assert!(socket.context.is_none());
        socket.write(Message::text("an answer")).unwrap();
        assert!(hear(&mut socket).is_empty());
        assert!(socket.context.is_none());
        assert_eq!(come(&mut there), [&[TEXT, 9], b"an answer".as_slice()].concat());
    }
    there.write_all(&frame(TEXT, "half of it")[..9]).now_or_never().unwrap().unwrap();
    assert!(hear(&mut socket).is_empty());
    assert!(socket.context.is_some(), "there is a piece of a frame");
}

#[test]
fn an_answer_to_a_ping_that_has_to_wait_is_not_lost_by_resting() {
    let (mut socket, mut there) = socket(32);
    let filling = "0123456789".repeat(3);
    socket.write(Message::text(filling.as_str())).unwrap();
    assert!(hear(&mut socket).is_empty());
    there.write_all(&frame(PING, "are you there?")).now_or_never().unwrap().unwrap();
    assert_eq!(hear(&mut socket), ["are you there?"]);
    assert!(socket.context.is_some(), "the answer has not left");
    let mut bytes = come(&mut there);
    assert!(hear(&mut socket).is_empty());
    bytes.extend(come(&mut there));
    let pong = [&[0x8a, 14], b"are you there?".as_slice()].concat();
    assert_eq!(bytes, [&[TEXT, 30], filling.as_bytes(), &pong].concat());
    assert!(socket.context.is_none());
}

#[test]
fn who_goes_without_a_word_is_lost_and_who_closes_is_answered() {
    let (mut socket, there) = socket(1024);
    drop(there);
    let cx = &mut Context::from_waker(Waker::noop());
    let lost = socket.poll_message(cx);
    assert!(matches!(
        lost,
        Poll::Ready(Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))))
    ));
    assert!(socket.poll_message(cx).map(|message| message.is_none()) == Poll::Ready(true), "nothing more");

    let (mut socket, mut there) = self::socket(1024);
    there.write_all(&[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]).now_or_never().unwrap().unwrap();
    let close = socket.poll_message(cx);
    assert!(matches!(close, Poll::Ready(Some(Ok(Message::Close(Some(_)))))));
    socket.rest(cx);
    assert!(socket.part().now_or_never().is_none(), "the client goes first");
    assert_eq!(come(&mut there), [0x88, 2, 0x03, 0xe8]);
}
