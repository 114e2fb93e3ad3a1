//! Both ends of a connection, and what each notices of the other.

use super::*;

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
    near.outgoing.close(CloseCode::Normal, "five");
    assert_eq!(near.outgoing.unsent(), 6);
    assert_eq!(far.recv().await, Some(text("three")));
    assert_eq!(near.outgoing.unsent(), 1);
    assert_eq!(far.recv().await, Some(Outbound::Binary(vec![4].into())));
    let reason = CloseReason { code: CloseCode::Normal, text: "five".to_owned() };
    assert_eq!(far.recv().await, Some(Outbound::Close(reason)));
    assert_eq!(far.recv().await, None);
}

#[tokio::test]
async fn each_end_notices_that_the_other_is_gone() {
    let (mut near, far) = pair("a test".to_owned(), 100);
    drop(far);
    assert_eq!(near.incoming.next().await, None);
    assert_eq!(near.outgoing.why(), None);
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
    assert_eq!((near.outgoing.unsent(), near.outgoing.why()), (10, None));
    assert_eq!(far.drain().len(), 2);
    near.outgoing.text("12345");
    assert_eq!((near.outgoing.unsent(), near.outgoing.why()), (5, None));
    near.outgoing.text("678901");
    assert_eq!(near.outgoing.why(), Some("it does not read what is sent to it"));
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
