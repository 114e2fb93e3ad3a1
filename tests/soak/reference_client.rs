//! The client that must never notice what goes on around it, and its own good toy.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::faulty_device::FaultyDevice;
use crate::random::Random;
use crate::support::Raw;
use crate::{Phase, Tally};

/// Time for an answer, and for the toy to have the value.
const LIMIT: Duration = Duration::from_secs(2);
/// What it holds at the end.
pub const HELD: i32 = 77;

/// Works until the storm is over, then holds one value until the end. `Raw` panics at anything that it does not like.
pub async fn play(
    mut client: Raw,
    toy: Arc<FaultyDevice>,
    tally: Arc<Tally>,
    seed: u64,
    phase: watch::Receiver<Phase>,
) {
    let mut random = Random::new(seed, 900_000);
    let mut count = 0;
    while *phase.borrow() == Phase::Storm {
        count += 1;
        let (motor, level) = (random.of(0..2) as usize, 1 + count % 127);
        set(&mut client, &toy, &tally, motor, level).await;
        if random.percent(10) {
            client.ok("Ping", json!({})).await;
        }
        if random.percent(2) {
            let list = client.ask("RequestDeviceList", json!({})).await;
            if list["DeviceList"]["Devices"]["0"].is_null() {
                tally.fail("the steady client's device is not in the list".to_owned(), Some(&toy));
            }
        }
        tokio::time::sleep(random.ms(0..50)).await;
    }
    for motor in [0, 1] {
        set(&mut client, &toy, &tally, motor, HELD).await;
    }
    *tally.holds.lock().unwrap() = true;
    while *phase.borrow() != Phase::Over {
        client.ok("Ping", json!({})).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    client.ok("Disconnect", json!({})).await;
    client.closed().await;
}

/// Sets a value, which must be answered and arrive.
async fn set(client: &mut Raw, toy: &FaultyDevice, tally: &Tally, motor: usize, level: i32) {
    let began = Instant::now();
    client.output(0, motor as u32, "Vibrate", level).await;
    let answered = began.elapsed();
    while !toy.had(motor, level) && began.elapsed() < LIMIT {
        // It reads meanwhile, or it would look frozen.
        client.ok("Ping", json!({})).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let arrived = began.elapsed();
    tally.count("commands of the steady client");
    if !toy.had(motor, level) {
        if tally.stopped_since(began) {
            // Another client has stopped everything, as it may.
            return tally.count("of these, overtaken by another client's stop");
        }
        let what = format!("the steady client set motor {motor} to {level}, and it did not arrive within {LIMIT:?}");
        return tally.fail(what, Some(toy));
    }
    if answered > LIMIT {
        let what = format!("the steady client waited {answered:?} for an answer");
        return tally.fail(what, Some(toy));
    }
    let mut slowest = tally.slowest.lock().unwrap();
    *slowest = (*slowest).max(arrived);
}
