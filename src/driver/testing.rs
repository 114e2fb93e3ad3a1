//! A driver for tests that does what a driver must not: it panics or never ends, on demand. The demand is the
//! identifier under which it was opened, or a value that it is given.

use std::sync::Arc;

use tokio::time::Instant;

use super::contract::{Batch, Boxed, Driver, DriverError, Inputs, Poll, Protocol};
use crate::library::{Definition, Hardware, Model};
use crate::link::{Link, Packet};
use crate::types::{Endpoint, InputKind};

/// The value that makes encoding panic.
pub(crate) const PANIC: i32 = 66;
/// The value after which the driver panics when it is asked what it has to say by itself.
pub(crate) const PANIC_LATER: i32 = 67;

#[derive(Debug)]
pub(super) struct Misbehaving;

impl Protocol for Misbehaving {
    fn name(&self) -> &'static str {
        "misbehaving"
    }

    fn identify<'a>(
        &'a self,
        _: &'a Definition,
        hardware: &'a Hardware,
        _: &'a Link,
    ) -> Boxed<'a, Result<Option<String>, DriverError>> {
        Box::pin(async move {
            match hardware.address.as_str() {
                "panics when asked" => panic!("asked for its model"),
                "never answers" => std::future::pending().await,
                _ => Ok(None),
            }
        })
    }

    fn open(&self, _: &Arc<Definition>, _: &Arc<Model>, _: &Link) -> Box<dyn Driver> {
        Box::new(Toy { later: false })
    }
}

struct Toy {
    later: bool,
}

impl Driver for Toy {
    fn encode(&mut self, batch: &Batch<'_>, _: Instant) -> Result<Vec<Packet>, DriverError> {
        let mut packets = Vec::new();
        for change in batch.changes {
            assert_ne!(change.output.value, PANIC, "the value that makes it panic");
            self.later |= change.output.value == PANIC_LATER;
            let data = vec![u8::try_from(change.feature).unwrap(), u8::try_from(change.output.value).unwrap()];
            packets.push(Packet { endpoint: Endpoint::TX, data, ack: false });
        }
        Ok(packets)
    }

    fn poll(&mut self, _: Instant) -> Poll {
        assert!(!self.later, "asked what it has to say");
        Poll::default()
    }

    fn inputs(&self) -> Arc<dyn Inputs> {
        Arc::new(Sensors)
    }
}

struct Sensors;

impl Inputs for Sensors {
    fn read(&self, _: u32, _: InputKind, _: Link) -> Boxed<'static, Result<i32, DriverError>> {
        Box::pin(async { panic!("a read that panics") })
    }
}
