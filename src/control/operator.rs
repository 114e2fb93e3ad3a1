//! A party that drives devices.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::batch::{Batch, Part};
use super::lookup::find;
use super::operators::Operators;
use super::stopping::Stopping;
use crate::device::ReadingSink;
use crate::hub::{HubHandle, OperatorGuard, SessionHandle};
use crate::types::{
    CommandError, Descriptions, InputAction, InputAddress, OperatorId, OperatorInfo, OperatorKind, Output, StopScope,
};

/// A party that drives devices. When it is dropped, even by a panic, what it holds is stopped and what it listens to ends.
#[derive(Debug)]
pub struct Operator {
    hub: HubHandle,
    guard: OperatorGuard,
    operators: Arc<Operators>,
    disconnected: CancellationToken,
}

impl Operator {
    pub(super) fn new(
        hub: HubHandle,
        guard: OperatorGuard,
        operators: Arc<Operators>,
        kind: OperatorKind,
        name: String,
        address: String,
    ) -> Self {
        let disconnected = operators.add(OperatorInfo { id: guard.owner(), kind, name, address });
        Self { hub, guard, operators, disconnected }
    }

    /// Its id, which no other operator of this server gets.
    #[must_use]
    pub fn id(&self) -> OperatorId {
        self.guard.owner()
    }

    /// Tells what it calls itself, now that it is known.
    pub fn rename(&self, name: &str) {
        self.operators.rename(self.id(), name);
    }

    /// Registers the actor that the hub tells of what happens and asks what it does.
    pub fn register(&self, session: SessionHandle) {
        self.hub.register(self.id(), session);
    }

    /// Becomes cancelled when the operator is to go; dropping it is left to its holder.
    #[must_use]
    pub fn disconnected(&self) -> &CancellationToken {
        &self.disconnected
    }

    /// The devices of this moment as clients see them.
    #[must_use]
    pub fn devices(&self) -> Arc<Descriptions> {
        Arc::clone(&self.hub.routes().descriptions)
    }

    /// An empty batch.
    #[must_use]
    pub fn batch<T>(&self) -> Batch<T> {
        Batch::new(self.hub.routes())
    }

    /// Checks outputs of one device, by feature index, and adds them to a batch. All of them are valid, or none is taken.
    ///
    /// # Errors
    /// A device, feature, output, value or duration that isn't there; a server that ends; an operator that is to go.
    pub fn add<T>(
        &self,
        batch: &mut Batch<T>,
        tag: T,
        device: u32,
        sets: &[(u32, Output)],
    ) -> Result<(), CommandError> {
        if self.hub.is_shutting_down() {
            return Err(CommandError::ShuttingDown);
        }
        if self.disconnected.is_cancelled() {
            return Err(CommandError::Disconnected);
        }
        batch.add(tag, device, sets)
    }

    /// Sets what is in a batch and leaves it empty. Returns how each part of it fared, by device and in the order in
    /// which the parts were added.
    pub fn output<T>(&self, batch: &mut Batch<T>) -> Vec<(T, Result<(), CommandError>)> {
        let mut outcomes = Vec::new();
        for Part { device, sets, tags } in std::mem::take(&mut batch.parts).into_values() {
            let done = device.set(self.id(), &sets, batch.lasts);
            if let Ok(replaced) = &done {
                self.hub.metrics().commands(sets.len(), *replaced);
            }
            let done = done.map(drop);
            outcomes.extend(tags.into_iter().map(|tag| (tag, done.clone())));
        }
        outcomes
    }

    /// Begins to stop outputs of a scope, whoever holds them, and ends what this operator listens to there. The stops have
    /// begun when this returns.
    ///
    /// # Errors
    /// A device or feature that isn't there.
    pub fn stop(&self, scope: StopScope) -> Result<Stopping, CommandError> {
        let routes = self.hub.routes();
        let devices: Vec<_> = match scope.device {
            Some(index) => vec![find(&routes, index)?],
            None => routes.devices.values().collect(),
        };
        let mut stops = Vec::new();
        for device in devices {
            // Outputs first: a subscription that hangs must not hold the zero back.
            if scope.outputs {
                stops.push((device.clone(), device.begin_stop(scope.feature)?));
            } else if let Some(feature) = scope.feature {
                device.check_feature(feature)?;
            }
            if scope.inputs {
                device.end_inputs(self.id(), scope.feature);
            }
        }
        Ok(Stopping { devices: stops })
    }

    /// Checks that there is such a device.
    ///
    /// # Errors
    /// A device that isn't there.
    pub fn check_device(&self, index: u32) -> Result<(), CommandError> {
        find(&self.hub.routes(), index).map(drop)
    }

    /// Reads the value of an input.
    ///
    /// # Errors
    /// An input that isn't there or can't be read; hardware that doesn't answer or is out of reach.
    pub async fn read(&self, input: InputAddress) -> Result<i32, CommandError> {
        let value = self.input(input, InputAction::Read, Arc::new(|_| {})).await?;
        Ok(value.unwrap_or_default())
    }

    /// Gives every new value of an input to `sink`, until [`Operator::unsubscribe`], a stop of inputs or the end of this
    /// operator.
    ///
    /// # Errors
    /// An input that isn't there or can't be subscribed to; hardware that doesn't answer or is out of reach.
    pub async fn subscribe(&self, input: InputAddress, sink: ReadingSink) -> Result<(), CommandError> {
        self.input(input, InputAction::Subscribe, sink).await.map(drop)
    }

    /// Ends a subscription; there need not be one.
    ///
    /// # Errors
    /// An input that isn't there or can't be subscribed to.
    pub async fn unsubscribe(&self, input: InputAddress) -> Result<(), CommandError> {
        self.input(input, InputAction::Unsubscribe, Arc::new(|_| {})).await.map(drop)
    }

    /// Does any of the three; the future outlives this borrow. Reading gives the value.
    ///
    /// # Errors
    /// Those of the three.
    pub fn input(
        &self,
        input: InputAddress,
        action: InputAction,
        sink: ReadingSink,
    ) -> impl Future<Output = Result<Option<i32>, CommandError>> + use<> {
        let (found, owner) = (find(&self.hub.routes(), input.device).cloned(), self.id());
        async move { found?.input(owner, sink, input.feature, input.kind, action).await }
    }

    /// Starts or stops scanning for hardware on behalf of this operator.
    pub fn scan(&self, on: bool) {
        self.hub.scan(self.id(), on);
    }

    /// Stops what this operator holds and ends what it listens to, as dropping it does.
    pub fn release(&self) {
        self.hub.release(self.id());
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // The guard, which is dropped after this, stops what is held.
        self.operators.remove(self.id());
    }
}
