//! What an operator may do, without a wire format.

use std::time::Duration;

use super::testing::{TestServer, test};
use super::*;
use crate::types::{CommandError, InputAddress, InputKind, OperatorKind, Output, OutputKind, ServerEvent, StopScope};

const EVERYTHING: StopScope = StopScope { device: None, feature: None, inputs: true, outputs: true };

fn vibrate(operator: &Operator, device: u32, value: i32) -> Result<(), CommandError> {
    let mut batch = operator.batch();
    operator.add(&mut batch, "it", device, &[(0, Output { kind: OutputKind::Vibrate, value, duration_ms: 0 })])?;
    let outcomes = operator.output(&mut batch);
    assert!(operator.output(&mut batch).is_empty(), "a batch is set once");
    let [(tag, outcome)] = outcomes.try_into().unwrap();
    assert_eq!(tag, "it");
    outcome
}

#[test]
fn an_operator_drives_stops_and_leaves_nothing_running() {
    test(async {
        let server = TestServer::start().await;
        let operator = server.control.attach(OperatorKind::Application, "ann", "here").unwrap();
        assert_eq!(operator.devices().len(), 1);
        vibrate(&operator, 0, 5).unwrap();
        server.written(5).await;
        operator.stop(EVERYTHING).unwrap().confirmed().await.unwrap();
        server.written(0).await;
        vibrate(&operator, 0, 7).unwrap();
        server.written(7).await;
        let names: Vec<_> = server.control.operators().into_iter().map(|info| info.name).collect();
        assert_eq!(names, ["test", "ann"]);
        drop(operator);
        server.written(0).await;
        assert_eq!(server.control.operators().len(), 1);
    });
}

#[test]
fn what_is_wrong_is_refused_whole_and_named() {
    test(async {
        let server = TestServer::start().await;
        let operator = &server.operator;
        let unknown = CommandError::UnknownDevice { index: 7, known: "0".to_owned() };
        assert_eq!(vibrate(operator, 7, 1), Err(unknown.clone()));
        assert!(matches!(vibrate(operator, 0, 101), Err(CommandError::ValueRange { value: 101, max: 100, .. })));
        let mut batch = operator.batch();
        let good = Output { kind: OutputKind::Vibrate, value: 9, duration_ms: 0 };
        let bad = operator.add(&mut batch, (), 0, &[(0, good), (3, good)]);
        assert!(matches!(bad, Err(CommandError::UnknownFeature { feature: 3, .. })), "{bad:?}");
        assert!(operator.output(&mut batch).is_empty(), "nothing of it is taken");
        let scope = StopScope { device: Some(7), ..EVERYTHING };
        assert_eq!(operator.stop(scope).unwrap_err(), unknown);
        let input = InputAddress { device: 0, feature: 0, kind: InputKind::Battery };
        assert!(matches!(operator.read(input).await, Err(CommandError::NoSuchInput { .. })));
        assert_eq!(operator.unsubscribe(InputAddress { device: 7, ..input }).await, Err(unknown));
    });
}

#[test]
fn an_operator_that_is_disconnected_drives_nothing_any_more() {
    test(async {
        let server = TestServer::start().await;
        let operator = server.control.attach(OperatorKind::Application, "ann", "").unwrap();
        vibrate(&operator, 0, 5).unwrap();
        server.written(5).await;
        assert!(server.control.disconnect(operator.id()));
        server.written(0).await;
        assert!(operator.disconnected().is_cancelled());
        assert_eq!(vibrate(&operator, 0, 5), Err(CommandError::Disconnected));
        let id = operator.id();
        drop(operator);
        assert!(!server.control.disconnect(id));
    });
}

#[test]
fn a_hold_and_what_happens_reach_those_who_watch() {
    test(async {
        let server = TestServer::start().await;
        let (mut events, mut hold) = (server.control.events(), server.control.watch_hold());
        assert!(!*hold.borrow_and_update());
        assert!(server.control.stop_all(true).await.is_empty());
        hold.changed().await.unwrap();
        assert!(*hold.borrow_and_update());
        assert!(matches!(vibrate(&server.operator, 0, 5), Err(CommandError::OutputsRefused { .. })));
        server.control.resume().await;
        assert!(!*hold.borrow_and_update());
        vibrate(&server.operator, 0, 5).unwrap();
        assert_eq!(
            [events.recv().await.unwrap(), events.recv().await.unwrap()],
            [ServerEvent::Held, ServerEvent::Resumed]
        );
        let TestServer { control, hardware, .. } = server;
        drop(hardware);
        assert!(matches!(events.recv().await.unwrap(), ServerEvent::DeviceAway { index: 0, .. }));
        let devices = async { control.watch_devices().wait_for(|devices| devices.is_empty()).await.map(drop) };
        tokio::time::timeout(Duration::from_secs(10), devices).await.expect("the grace period is 3 s").unwrap();
    });
}
