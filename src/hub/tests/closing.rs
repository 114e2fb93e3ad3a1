//! Before a link is closed, whatever may run over it is stopped, and no stop takes longer than it may.

use tokio::time::Instant;

use super::*;
use crate::device::LAST_STOP;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn what_dials_in_again_is_opened_when_the_old_connection_is_stopped_and_closed() {
    test(async {
        let (mut fixture, mut one, device, mut old) = Fixture::with_one().await;
        set(&device, 9);
        assert_eq!(taken(&mut old).await, 9);
        let mut again = fixture.dial_in("one");
        let LinkRequest { operation, done } = request(&mut old).await;
        let Operation::Write(packet) = operation else { panic!("{operation:?}") };
        assert_eq!(packet.data, [0, 0]);
        tokio::time::sleep(ms(400)).await;
        assert!(again.ends.try_recv().is_err(), "the old one has not confirmed its stop");
        // A bus closes what nobody wants.
        assert_eq!(one.ends.try_recv().unwrap_err(), mpsc::error::TryRecvError::Empty, "its connector is kept");
        // What clients want meanwhile is for the new one.
        set(&device, 8);
        let _ = done.send(Ok(Vec::new()));
        let LinkRequest { operation, done } = request(&mut old).await;
        assert!(matches!(operation, Operation::Disconnect), "{operation:?}");
        tokio::time::sleep(ms(400)).await;
        assert!(again.ends.try_recv().is_err(), "the old one is not closed");
        let _ = done.send(Ok(Vec::new()));
        let mut new = again.ends.recv().await.unwrap();
        assert_eq!([taken(&mut new).await, taken(&mut new).await], [0, 8]);
        assert!(fixture.events.try_recv().is_err(), "sessions notice nothing");
    });
}

/// What is being written when the hardware dials in again is not known to have arrived: it is stopped like what has.
#[test]
fn a_level_that_is_on_its_way_when_the_hardware_dials_in_again_is_stopped() {
    test(async {
        let (fixture, _one, device, mut old) = Fixture::with_one().await;
        for level in [9_u8, 0] {
            set(&device, level.into());
            assert_eq!(taken(&mut old).await, level);
        }
        set(&device, 9);
        let LinkRequest { done, .. } = request(&mut old).await;
        let _again = fixture.dial_in("one");
        tokio::time::sleep(ms(10)).await;
        let _ = done.send(Ok(Vec::new()));
        assert_eq!(taken(&mut old).await, 0);
        let LinkRequest { operation, .. } = request(&mut old).await;
        assert!(matches!(operation, Operation::Disconnect), "{operation:?}");
    });
}

#[test]
fn an_old_connection_that_answers_nothing_holds_up_the_new_one_for_a_bounded_time() {
    test(async {
        let (fixture, _one, device, mut old) = Fixture::with_one().await;
        set(&device, 9);
        assert_eq!(taken(&mut old).await, 9);
        let dialled = Instant::now();
        let mut again = fixture.dial_in("one");
        let (stop, _hangs) = (request(&mut old).await, &old);
        assert!(matches!(stop.operation, Operation::Write(_)));
        let mut new = again.ends.recv().await.unwrap();
        assert!(dialled.elapsed() <= LAST_STOP * 2 + ms(10), "{:?}", dialled.elapsed());
        assert!(dialled.elapsed() >= LAST_STOP, "{:?}", dialled.elapsed());
        assert_eq!([taken(&mut new).await, taken(&mut new).await], [0, 9]);
        // A third that comes while the second is being closed takes the place of what waits.
        let mut third = fixture.dial_in("one");
        let mut fourth = fixture.dial_in("one");
        assert_eq!(taken(&mut new).await, 0);
        let_go(&mut new).await;
        let mut newest = fourth.ends.recv().await.unwrap();
        assert_eq!([taken(&mut newest).await, taken(&mut newest).await], [0, 9]);
        assert!(third.ends.recv().await.is_none(), "nobody wants it");
    });
}

#[test]
fn what_dials_in_while_the_loss_of_the_old_connection_is_on_its_way_is_opened() {
    test(async {
        let (fixture, _one, device, mut old) = Fixture::with_one().await;
        set(&device, 9);
        assert_eq!(taken(&mut old).await, 9);
        // The hub hears of the new one first.
        let mut again = fixture.dial_in("one");
        drop(old);
        let mut new = tokio::time::timeout(ms(100), again.ends.recv()).await.expect("it is not opened").unwrap();
        assert_eq!([taken(&mut new).await, taken(&mut new).await], [0, 9]);
    });
}

#[test]
fn what_dials_in_after_a_panic_does_not_leave_the_old_connection_in_use() {
    test(async {
        let (fixture, _one, device, mut old) = Fixture::with_one().await;
        set(&device, 9);
        assert_eq!(taken(&mut old).await, 9);
        set(&device, PANIC);
        tokio::time::sleep(ms(80)).await;
        assert!(!device.is_driven());
        set(&device, 7);
        let mut again = fixture.dial_in("one");
        assert_eq!(taken(&mut old).await, 0);
        let_go(&mut old).await;
        let mut new = again.ends.recv().await.unwrap();
        assert_eq!([taken(&mut new).await, taken(&mut new).await], [0, 7]);
    });
}

#[test]
fn a_link_that_is_given_up_is_stopped_before_it_is_closed() {
    test(async {
        let (_fixture, _one, device, mut end) = Fixture::with_one().await;
        set(&device, 9);
        assert_eq!(taken(&mut end).await, 9);
        set(&device, 5);
        for _ in 0..3 {
            let LinkRequest { done, .. } = request(&mut end).await;
            let _ = done.send(Err(LinkError::Failed("not this one".to_owned())));
        }
        assert_eq!(taken(&mut end).await, 0);
        let LinkRequest { operation, done } = request(&mut end).await;
        assert!(matches!(operation, Operation::Disconnect), "{operation:?}");
        let number = device.begin_stop(None).unwrap();
        let early = tokio::time::timeout(ms(1000), device.wanted().confirmed(number)).await;
        assert!(early.is_err(), "something may still arrive while the link is not closed");
        let _ = done.send(Ok(Vec::new()));
        device.wanted().confirmed(number).await;
    });
}

#[test]
fn the_shutdown_waits_for_a_device_whose_actor_has_just_panicked() {
    test(async {
        let (fixture, _one, device, mut end) = Fixture::with_one().await;
        set(&device, 9);
        assert_eq!(taken(&mut end).await, 9);
        set(&device, PANIC);
        tokio::time::sleep(ms(80)).await;
        assert!(!device.is_driven());
        let hub = fixture.hub.clone();
        let down = actix::spawn(async move { hub.shut_down(Duration::from_secs(5)).await });
        assert_eq!(taken(&mut end).await, 0);
        let_go(&mut end).await;
        assert_eq!(down.await.unwrap(), Vec::<String>::new());
    });
}

#[test]
fn what_came_back_in_time_is_not_given_up_while_it_is_opened() {
    test(async {
        for works in [true, false] {
            let (mut fixture, _one, device, end) = Fixture::with_one().await;
            set(&device, 9);
            drop(end);
            tokio::time::sleep(ms(2900)).await;
            let (ends, mut again) = mpsc::unbounded_channel();
            let hardware = Hardware::new(Bus::Btle, "Mis", "one");
            fixture.found.do_send(Found { hardware, connector: Arc::new(Slow { ends, works }) });
            if works {
                let mut end = again.recv().await.unwrap();
                assert_eq!([taken(&mut end).await, taken(&mut end).await], [0, 9]);
                tokio::time::sleep(ms(10_000)).await;
                assert!(fixture.events.try_recv().is_err(), "sessions notice nothing");
            } else {
                let began = Instant::now();
                fixture.changed().await;
                assert_eq!(began.elapsed().as_millis() / 10, 90, "it is not tried for ever");
                assert!(fixture.hub.routes().devices.is_empty());
            }
        }
    });
}

/// Hardware that takes its time to connect.
#[derive(Debug)]
struct Slow {
    ends: mpsc::UnboundedSender<LinkEnd>,
    works: bool,
}

impl Connector for Slow {
    fn connect(&self, candidates: Vec<Candidate>) -> Boxed<'static, Result<(usize, Link), LinkError>> {
        let quick = super::Reach { ends: self.ends.clone(), refused: Mutex::new(None), dials_in: false };
        let works = self.works;
        Box::pin(async move {
            tokio::time::sleep(ms(900)).await;
            if works { quick.connect(candidates).await } else { Err(LinkError::Lost) }
        })
    }

    fn refuse(&self, _: &str) {}
}
