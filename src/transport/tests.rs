//! Both ends of a connection, and what each notices of the other.

use super::*;
use crate::types::{Cut, SessionEnd};

fn text(text: &str) -> Outbound {
    Outbound::Text(text.into())
}

#[tokio::test]
async fn what_goes_in_comes_out_in_order() {
    let (mut near, far) = pair("a test".to_owned(), 100);
    assert!(far.send("one").await && far.send("two").await);
    assert_eq!(near.incoming.next().await, Some(Incoming::Text("one".into())));
    assert_eq!(near.incoming.next().await, Some(Incoming::Text("two".into())));
    near.outgoing.text("three");
    near.outgoing.binary(vec![4]);
    near.outgoing.close(CloseReason::HardwareGoodbye);
    assert_eq!(near.outgoing.unsent(), 6);
    assert_eq!(far.recv().await, Some(text("three")));
    assert_eq!(near.outgoing.unsent(), 1);
    assert_eq!(far.recv().await, Some(Outbound::Binary(vec![4].into())));
    assert_eq!(far.recv().await, Some(Outbound::Close(CloseReason::HardwareGoodbye)));
    assert_eq!(far.recv().await, None);
}

#[tokio::test]
async fn each_end_notices_that_the_other_is_gone() {
    let (mut near, far) = pair("a test".to_owned(), 100);
    drop(far);
    assert_eq!(near.incoming.next().await, None);
    assert_eq!(near.outgoing.cut_reason(), None);
    let (near, far) = pair("a test".to_owned(), 100);
    near.outgoing.text("last");
    drop(near);
    assert_eq!(far.recv().await, Some(text("last")));
    assert_eq!(far.recv().await, None);
    assert!(far.is_closing() && !far.send("anybody?").await);
}

#[tokio::test]
async fn a_far_end_that_takes_nothing_is_cut_off() {
    let (mut near, far) = pair("a test".to_owned(), 10);
    near.outgoing.text("12345");
    near.outgoing.text("67890");
    assert_eq!((near.outgoing.unsent(), near.outgoing.cut_reason()), (10, None));
    assert_eq!(far.drain().len(), 2);
    near.outgoing.text("12345");
    assert_eq!((near.outgoing.unsent(), near.outgoing.cut_reason()), (5, None));
    near.outgoing.text("678901");
    assert_eq!(near.outgoing.cut_reason(), Some(Cut::Unread));
    assert_eq!(near.incoming.next().await, None);
    near.outgoing.closed().await;
}

#[tokio::test]
async fn a_near_end_that_takes_nothing_holds_the_far_end_up() {
    let (mut near, far) = pair("a test".to_owned(), 100);
    for _ in 0..INCOMING {
        far.frames.try_send(Incoming::TooLarge).unwrap();
    }
    assert!(far.frames.try_send(Incoming::TooLarge).is_err());
    assert_eq!(near.incoming.next().await, Some(Incoming::TooLarge));
    far.frames.try_send(Incoming::TooLarge).unwrap();
}

#[test]
fn a_peer_is_told_why_in_words_and_by_a_number() {
    let session = |end| CloseReason::Session(end);
    for (reason, code, text) in [
        (session(SessionEnd::Goodbye), 1000, "the client said goodbye"),
        (session(SessionEnd::Disconnected), 1000, "it was disconnected by the server"),
        (session(SessionEnd::ShuttingDown), 1000, "the server is shutting down"),
        (session(SessionEnd::Cut(Cut::Silent)), 1000, "it no longer answers"),
        (CloseReason::TooManySessions, 1013, "too many clients"),
        (CloseReason::ServerEnded, 1001, "the server has ended"),
        (
            CloseReason::TooManyDevices { count: 3 },
            1013,
            "there are 3 virtual devices, as many as `buses.virtual.max_devices` allows",
        ),
    ] {
        assert_eq!((reason.code() as u16, reason.to_string().as_str()), (code, text));
    }
}
